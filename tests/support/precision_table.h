#pragma once

#include <vector>

#include "quant/plan/plan.h"
#include "quant/site.h"

namespace fqt::test {

/// The precision of a plan's text ("U:6", "fp32") for sites whose shapes do not matter to it.
inline quant::PrecisionTable precision_table(const char* plan, const std::vector<quant::Site*>& sites,
                                             const quant::Recipe& recipe = {}) {
  std::vector<quant::SiteShape> shapes;
  for (const quant::Site* site : sites)
    shapes.push_back({site->name, std::string(site->kind), site->role, {}, 1, 1, 1});
  return quant::make_precision_table(quant::assign_bits(quant::parse_plan(plan), recipe, shapes, 1, 1), recipe);
}

}  // namespace fqt::test
