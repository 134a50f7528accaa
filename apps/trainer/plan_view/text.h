#pragma once

#include <string>

#include "trainer/plan_view/plan_view.h"

namespace fqt::trainer {

struct TextStyle {
  size_t width = 80;  ///< columns to stay within; names are shortened and bars left out where there is no room
  bool color = false;
};

/// For a person: one plan with a line for each site and what a step costs, or several plans as columns.
std::string plan_text(const PlanView& view, const TextStyle& style);

}  // namespace fqt::trainer
