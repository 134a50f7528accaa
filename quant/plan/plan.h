#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/plan/mapping.h"
#include "quant/plan/metric.h"
#include "quant/precision.h"
#include "quant/site_bits.h"

namespace fqt::quant {

struct Strategy;

/// How bits are chosen, from a text such as "U:6", "A:C-:4-8", "R:4-8,grad=+2" or "fp32". docs/plans.md is its grammar.
struct Plan {
  std::string text;
  const Strategy* strategy = nullptr;
  const Metric* metric = nullptr;  ///< of C+ and C-
  int low = 0, high = 0;           ///< U: equal

  const Mapping* mapping = &mappings().front();
  bool per_product = false;  ///< bits for each product of a layer apart, by its own metric
  bool depth_layer = false;
  int lhs_offset = 0, rhs_offset = 0, grad_offset = 0;  ///< added to the bits of X, W and dY
};

/// What bits are assigned from.
struct PlanInput {
  std::span<const SiteShape> sites;  ///< those that are quantized
  int64_t batch = 128;               ///< images a step: terms of grad_rhs
  uint64_t seed = 1;                 ///< of R
};

/// A kind of plan. C+ and C- stand behind a metric ("A:C+:4-8"), the others alone.
struct Strategy {
  std::string_view name;
  std::string_view usage, example;
  std::string_view description;  ///< "the same bits everywhere"; where it takes a metric, the metric's title follows
  bool takes_metric, takes_range;
  /// Bits of each site's products, before offsets; null for float.
  std::vector<ByProduct<int>> (*assign)(const Plan& plan, const PlanInput& input);
};

/// fp32, U, C+, C-, R. Errors list this table.
std::span<const Strategy> strategies();

/// Error(usage) that names the part of the text that does not parse and what would.
Plan parse_plan(std::string_view text);

/// Whether the recipe leaves a site in float.
bool left_in_float(const Recipe& recipe, SiteRole role);

/// The bits of every site, in order; sites the recipe leaves in float take no part. Error(usage) where an offset leads
/// outside 2 to 16 bits.
BitTable assign_bits(const Plan& plan, const Recipe& recipe, std::span<const SiteShape> sites, int64_t batch,
                     uint64_t seed);

/// What a training step runs on.
PrecisionTable make_precision_table(const BitTable& bits, const Recipe& recipe);

}  // namespace fqt::quant
