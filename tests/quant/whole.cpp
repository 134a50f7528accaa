#include "quant/whole.h"

#include <doctest/doctest.h>

#include <string>

#include "quant/range.h"

namespace fqt::test {

using namespace fqt::quant;

namespace {

const std::string kProductSite = "test";

}  // namespace

Whole whole(const Tensor& values, const OperandPrecision& precision, const std::vector<Range>& ranges,
            const Noise& noise) {
  const int64_t channels = precision.per_channel ? values.dim(-1) : 1;
  const gemm::PaddedImage plain{1, 1, values.size() / channels, channels, 0, 0, 0, 0, channels};
  const Operand operand = encode(values, plain, precision, fit_grids(precision, ranges), noise);
  Whole result;
  for (const Grid& grid : operand.grids) result.scales.push_back(grid.scale);
  for (int64_t i = 0; i < values.size(); ++i)
    result.differences.push_back(operand.level(i) - operand.grids[static_cast<size_t>(i) % operand.grids.size()].zero);
  return result;
}

Range range_of(const Tensor& values) { return extremes(values.values(), {"test", kProductSite, 0}); }

std::vector<Range> ranges_of(const Tensor& values, const OperandPrecision& precision) {
  if (!precision.per_channel) return {range_of(values)};
  return estimate_channel_ranges(values.values(), values.dim(-1), precision, {"test", kProductSite, 0});
}

int mismatches(const Tensor& actual, const Doubles& sums, const Doubles& lhs_scales, const Doubles& rhs_scales) {
  REQUIRE(actual.size() == static_cast<int64_t>(sums.size()));
  int count = 0;
  for (size_t i = 0; i < sums.size(); ++i)
    count += actual.data()[i] != static_cast<float>(sums[i] * (lhs_scales[0] * rhs_scales[i % rhs_scales.size()]));
  return count;
}

}  // namespace fqt::test
