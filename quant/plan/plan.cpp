#include "quant/plan/plan.h"

#include "engine/check.h"

namespace fqt::quant {
namespace {

int shifted(const Plan& plan, const std::string& site, int bits, int offset) {
  const int result = bits + offset;
  check(result >= kMinBits && result <= kMaxBits,
        "[plan] '{}': {} bits and an offset of {:+} make {} at site '{}'; widths run from {} to {}", plan.text, bits,
        offset, result, site, kMinBits, kMaxBits);
  return result;
}

}  // namespace

bool left_in_float(const Recipe& recipe, SiteRole role) {
  return role == SiteRole::apart || (role == SiteRole::first && !recipe.quantize_first) ||
         (role == SiteRole::head && !recipe.quantize_head);
}

BitTable assign_bits(const Plan& plan, const Recipe& recipe, std::span<const SiteShape> sites, int64_t batch,
                     uint64_t seed) {
  std::vector<SiteShape> taking_part;
  for (const SiteShape& site : sites)
    if (plan.strategy->assign && !left_in_float(recipe, site.role)) taking_part.push_back(site);
  const std::vector<ByProduct<int>> bits =
      plan.strategy->assign ? plan.strategy->assign(plan, {taking_part, batch, seed}) : std::vector<ByProduct<int>>();
  BitTable table;
  size_t next = 0;
  for (const SiteShape& site : sites) {
    if (next == taking_part.size() || taking_part[next].name != site.name) {
      table.push_back({site.name});
      continue;
    }
    const auto width = [&](ProductKind product, int offset) {
      return shifted(plan, site.name, bits[next][product], offset);
    };
    const int x = plan.lhs_offset, w = plan.rhs_offset, dy = plan.grad_offset;
    table.push_back({site.name,
                     false,
                     {{ProductBits{width(ProductKind::forward, x), width(ProductKind::forward, w)},
                       {width(ProductKind::grad_lhs, dy), width(ProductKind::grad_lhs, w)},
                       {width(ProductKind::grad_rhs, x), width(ProductKind::grad_rhs, dy)}}}});
    ++next;
  }
  return table;
}

PrecisionTable make_precision_table(const BitTable& bits, const Recipe& recipe) {
  PrecisionTable table;
  for (const SiteBits& site : bits) table.set(site.site, recipe.precision(site));
  return table;
}

}  // namespace fqt::quant
