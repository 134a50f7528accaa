#include "engine/gemm/accumulator.h"

#include <algorithm>
#include <limits>

#include "engine/check.h"

namespace fqt::gemm {

Accumulator plan_accumulator(int64_t lhs_max, int64_t rhs_max, int64_t terms) {
  const int64_t product = std::max<int64_t>(lhs_max * rhs_max, 1);
  int64_t bound = 0;
  check(!__builtin_mul_overflow(product, terms, &bound),
        "[accumulator] {} terms of magnitudes up to {} x {} can overflow int64", terms, lhs_max, rhs_max);
  const int64_t safe_terms = std::numeric_limits<int32_t>::max() / product;
  return {safe_terms, terms <= safe_terms};
}

}  // namespace fqt::gemm
