#include <algorithm>

#include "engine/hash.h"
#include "engine/random.h"
#include "quant/plan/plan.h"

namespace fqt::quant {
namespace {

std::vector<ByProduct<int>> assign_uniform(const Plan& plan, const PlanInput& input) {
  return std::vector<ByProduct<int>>(input.sites.size(), {{plan.low, plan.low, plan.low}});
}

/// Bits that rise with the metric: of the forward product, or of all products that are computed together. One that is
/// not gets those of the forward product.
std::vector<ByProduct<int>> assign_rising(const Plan& plan, const PlanInput& input) {
  const auto takes_part = [&](const SiteShape& site, ProductKind product) {
    return product == ProductKind::forward || (plan.per_product && site.computes(product));
  };
  std::vector<double> values;
  for (const SiteShape& site : input.sites)
    for (const ProductKind product : kProducts)
      if (takes_part(site, product))
        values.push_back(plan.metric->value({site, product, input.batch, plan.depth_layer}));
  const std::vector<int> bits = plan.mapping->bits(values, plan.low, plan.high);
  std::vector<ByProduct<int>> result;
  size_t next = 0;
  for (const SiteShape& site : input.sites) {
    const int forward = bits[next++];
    ByProduct<int>& products = result.emplace_back(ByProduct<int>{{forward, forward, forward}});
    for (const ProductKind product : {ProductKind::grad_lhs, ProductKind::grad_rhs})
      if (takes_part(site, product)) products[product] = bits[next++];
  }
  return result;
}

std::vector<ByProduct<int>> assign_falling(const Plan& plan, const PlanInput& input) {
  std::vector<ByProduct<int>> result = assign_rising(plan, input);
  for (ByProduct<int>& products : result)
    for (int& bits : products) bits = plan.low + plan.high - bits;
  return result;
}

/// Uniform over the whole range; a site's draw depends on the seed and on its own name.
std::vector<ByProduct<int>> assign_random(const Plan& plan, const PlanInput& input) {
  const auto count = static_cast<uint32_t>(plan.high - plan.low + 1);
  std::vector<ByProduct<int>> result;
  for (const SiteShape& site : input.sites) {
    const RandomKey key = random_key(input.seed, {hash_text("plan"), hash_text(site.name)});
    ByProduct<int>& products = result.emplace_back();
    for (const ProductKind product : kProducts)
      products[product] =
          plan.low + static_cast<int>(random_below(key, plan.per_product ? static_cast<uint64_t>(product) : 0, count));
  }
  return result;
}

constexpr Strategy kStrategies[] = {
    {"fp32", "fp32", "fp32", "every layer in float32", false, false, nullptr},
    {"U", "U:BITS", "U:6", "the same bits everywhere", false, false, assign_uniform},
    {"C+", "METRIC:C+:LOW-HIGH", "A:C+:4-8", "bits rise with", true, true, assign_rising},
    {"C-", "METRIC:C-:LOW-HIGH", "A:C-:4-8", "bits fall with", true, true, assign_falling},
    {"R", "R:LOW-HIGH", "R:4-8", "each layer's bits drawn by the seed", false, true, assign_random},
};

}  // namespace

std::span<const Strategy> strategies() { return kStrategies; }

}  // namespace fqt::quant
