#include "engine/gemm/accumulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/check.h"

namespace fqt::gemm {
namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();

/// The halves of a difference 256 * high + low.
constexpr Interval split_high(const Interval& rhs) { return {rhs.low >> 8, rhs.high >> 8}; }
constexpr int64_t kSplitLowMax = 255;

int64_t longest_run(int64_t lhs_max, int64_t rhs_max) { return kInt32Max / std::max<int64_t>(lhs_max * rhs_max, 1); }

}  // namespace

Accumulator plan_accumulator(const OperandBounds& bounds, int64_t terms) {
  const int64_t lhs = bounds.lhs.magnitude(), rhs = bounds.rhs.magnitude();
  // The result, level - zero times level - zero, has to fit as well as what the kernel adds up on the way.
  const int64_t widest = std::max(lhs, bounds.lhs_differences.magnitude());
  int64_t bound = 0;
  check(!__builtin_mul_overflow(std::max<int64_t>(widest * rhs, 1), terms, &bound),
        "[accumulator] {} terms of magnitudes up to {} x {} can overflow int64", terms, widest, rhs);
  const bool fits_int16 = bounds.rhs.within(std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max());
  if (fits_int16 && bound <= kInt32Max) return {Accumulator::Kind::int32, terms, widest, rhs, longest_run(widest, rhs)};
  const int64_t run = longest_run(lhs, rhs);
  if (fits_int16 && run >= kShortestRun) return {Accumulator::Kind::runs, terms, lhs, rhs, run};
  const int64_t half = std::max(split_high(bounds.rhs).magnitude(), kSplitLowMax);
  return {Accumulator::Kind::split, terms, lhs, half, longest_run(lhs, half)};
}

std::string Accumulator::describe() const {
  switch (kind) {
    case Kind::int32:
      return fmt::format("int32: {} terms of at most {} x {} stay below 2^31", terms, lhs_max, rhs_max);
    case Kind::runs:
      return fmt::format("int64: int32 holds runs of {} terms of at most {} x {}, which are added up", run_terms,
                         lhs_max, rhs_max);
    case Kind::split:
      return fmt::format(
          "int64: right differences are split as 256 high + low, and int32 holds runs of {} terms of at most {} x {}, "
          "which are added up",
          run_terms, lhs_max, rhs_max);
  }
  return "";
}

}  // namespace fqt::gemm
