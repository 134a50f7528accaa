#pragma once

#include <cstdint>
#include <vector>

#include "engine/gemm/gather.h"

namespace fqt::gemm {

/// Where the terms of a product's sums lie, in the order of the gather: behind lhs.rows[i], and behind the first
/// element of a column of rhs, n * column_stride. What fills up segments is no term.
struct TermOffsets {
  std::vector<int64_t> lhs, rhs;
};

TermOffsets term_offsets(const GatherProduct& product);

/// The product of one row and one column: its result goes where it goes in `product`, too.
GatherProduct single_element(const GatherProduct& product, int64_t row, int64_t column);

}  // namespace fqt::gemm
