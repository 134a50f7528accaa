#include "quant/precision.h"

#include "engine/check.h"

namespace fqt::quant {
namespace {

void check_width(const char* what, int64_t bits, int64_t least, int64_t most) {
  check(bits >= least && bits <= most, "[recipe] {}: {} bits; give a width from {} to {}", what, bits, least, most);
}

}  // namespace

Precision Recipe::precision(int bits) const {
  if (grad_bits > 0) check_width("grad_bits", grad_bits, kMinBits, kMaxBits);
  if (grad_rhs_bits > 0) check_width("grad_rhs_bits", grad_rhs_bits, kMinBits, kMaxBits);
  if (accumulator_bits > 0) check_width("accumulator_bits", accumulator_bits, 8, 32);
  const auto operand = [&](const OperandRecipe& recipe, int64_t width) {
    return OperandPrecision{&find_format(recipe.format), static_cast<int>(width), recipe.rounding,
                            &find_range_estimator(recipe.range), percentile};
  };
  Precision result{operand(lhs, bits), operand(rhs, bits), operand(grad, grad_bits > 0 ? grad_bits : bits)};
  for (const OperandPrecision* other : {&result.rhs, &result.grad})
    check(!other->range->running,
          "[recipe] only the layer's input has a running range; give the weights and the gradient another range than "
          "'running'");
  result.rhs.per_channel = rhs_per_channel;
  if (grad_rhs_bits > 0) result.grad_for_rhs = operand(grad, grad_rhs_bits);
  result.accumulator = {static_cast<int>(accumulator_bits), accumulator_overflow == "saturate", accumulator_chunk};
  return result;
}

const Precision& PrecisionTable::at(const std::string& site) const {
  const auto found = rows_.find(site);
  if (found == rows_.end()) fail(ErrorKind::internal, "[precision] the table has no row for site '{}'", site);
  return found->second;
}

}  // namespace fqt::quant
