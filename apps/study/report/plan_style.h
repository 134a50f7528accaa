#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "study/report/setups.h"
#include "trainer/json.h"

namespace fqt::study {

/// How a line is dashed and its points are marked.
struct Mark {
  std::vector<int> dash;  ///< pixels drawn and left out; none: a full line
  std::string_view shape;
};

/// How a plan is drawn, in every figure of its setup: plans can be told apart by colour, and by dash and shape alone.
struct PlanStyle {
  std::string_view color;  ///< one of style.css: --series-<color>
  const Mark* mark;

  bool operator==(const PlanStyle&) const = default;
};

/// Of each plan in turn. Colour stands for the metric, the mark for C+ and C-; a plan whose pair is taken
/// gets the colour and the mark that are used least.
std::vector<PlanStyle> plan_styles(std::span<const PlanRuns> plans);

/// The data set `series` of a figure: plan, color, dash, shape.
trainer::Json series_data(std::span<const PlanRuns> plans);

}  // namespace fqt::study
