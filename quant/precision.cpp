#include "quant/precision.h"

#include "engine/check.h"

namespace fqt::quant {
namespace {

void check_width(const char* what, int64_t bits, int64_t least, int64_t most) {
  check(bits >= least && bits <= most, "[recipe] {}: {} is no width; give one from {} to {} bits", what, bits, least,
        most);
}

}  // namespace

bool Precision::is_float() const {
  for (const ProductPrecision& product : products)
    if (!product.lhs.is_float() || !product.rhs.is_float()) return false;
  return true;
}

bool Precision::is_uniform() const {
  for (const ProductPrecision& product : products)
    for (const OperandPrecision* operand : {&product.lhs, &product.rhs})
      if (operand->is_float() != is_float()) return false;
  return true;
}

Precision Recipe::precision(const SiteBits& bits) const {
  Precision result;
  if (bits.is_float) return result;
  if (accumulator_bits > 0) check_width("accumulator_bits", accumulator_bits, 8, 32);
  check(
      accumulator_bits > 0 || (accumulator_chunk == 0 && accumulator_overflow == "wrap"),
      "[recipe] quant.accumulator_overflow and quant.accumulator_chunk say how an emulated accumulator works; give its "
      "width, too, with quant.accumulator_bits");
  check(rhs.range != "sample_mean",
        "[recipe] weights have no samples to take means over; give quant.rhs_range another range than 'sample_mean'");
  result.accumulator = {static_cast<int>(accumulator_bits), accumulator_overflow == "saturate", accumulator_chunk};
  const auto operand = [&](const char* what, const OperandRecipe& recipe, int64_t width) {
    check_width(what, width, kMinBits, kMaxBits);
    return OperandPrecision{&find_format(recipe.format), static_cast<int>(width), recipe.rounding,
                            &find_range_estimator(recipe.range), percentile};
  };
  const auto grad_width = [&](int planned) { return grad_bits > 0 ? grad_bits : planned; };
  const auto& [forward, backward_lhs, backward_rhs] = static_cast<const std::array<ProductBits, 3>&>(bits.products);
  result.products[ProductKind::forward] = {operand("X", lhs, forward.lhs), operand("W", rhs, forward.rhs)};
  result.products[ProductKind::grad_lhs] = {operand("grad_bits", grad, grad_width(backward_lhs.lhs)),
                                            operand("W", rhs, backward_lhs.rhs)};
  result.products[ProductKind::grad_rhs] = {operand("X", lhs, backward_rhs.lhs),
                                            grad_rhs_bits > 0
                                                ? operand("grad_rhs_bits", grad, grad_rhs_bits)
                                                : operand("grad_bits", grad, grad_width(backward_rhs.rhs))};
  // grad_lhs sums over the output channels: a grid for each is of no use there.
  result.products[ProductKind::forward].rhs.per_channel = rhs_per_channel;
  for (const OperandRecipe* other : {&rhs, &grad})
    check(!find_range_estimator(other->range).running,
          "[recipe] only the layer's input has a running range; give the weights and the gradient another range than "
          "'running'");
  return result;
}

const Precision& PrecisionTable::at(const std::string& site) const {
  const auto found = rows_.find(site);
  if (found == rows_.end()) fail(ErrorKind::internal, "[precision] the table has no row for site '{}'", site);
  return found->second;
}

}  // namespace fqt::quant
