#pragma once

#include <string>

#include "trainer/plan_view/plan_view.h"

namespace fqt::trainer {

/// A picture that stands by itself: for each plan the metric it chooses by (accumulation where it chooses by none),
/// layer by layer, and below it the bits.
std::string plan_svg(const PlanView& view);

}  // namespace fqt::trainer
