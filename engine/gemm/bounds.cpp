#include "engine/gemm/bounds.h"

#include <algorithm>
#include <limits>

namespace fqt::gemm {
namespace {

constexpr int kBias = 32768;  ///< what kernels.center takes off

}  // namespace

int level_bias(const Levels& lhs) { return lhs.max_level > std::numeric_limits<int16_t>::max() ? kBias : 0; }

OperandBounds operand_bounds(const Levels& lhs, const Levels& rhs, std::span<const uint16_t> zeros) {
  const auto [low, high] = std::minmax_element(zeros.begin(), zeros.end());
  const int64_t offset = level_bias(lhs);
  // The correction takes off (zero - bias) * sum of the column: its factor counts like a difference.
  const int64_t factor = lhs.zero - offset;
  return {{-offset, lhs.max_level - offset},
          {std::min<int64_t>(-lhs.zero, factor), std::max<int64_t>(lhs.max_level - lhs.zero, factor)},
          {-int64_t{*high}, int64_t{rhs.max_level} - *low}};
}

}  // namespace fqt::gemm
