#include "engine/gemm/terms.h"

namespace fqt::gemm {

TermOffsets term_offsets(const GatherProduct& product) {
  TermOffsets offsets;
  int64_t position = 0;  // among the elements of a row of lhs, fill included
  for (const int32_t segment : product.rhs.segments)
    for (int64_t j = 0; j < product.rhs.padded_length; ++j, ++position) {
      if (j >= product.rhs.length) continue;
      offsets.lhs.push_back(product.lhs.segments[static_cast<size_t>(position / product.lhs.length)] +
                            position % product.lhs.length * product.lhs.term_stride);
      offsets.rhs.push_back(segment + j * product.rhs.term_stride);
    }
  return offsets;
}

GatherProduct single_element(const GatherProduct& product, int64_t row, int64_t column) {
  GatherProduct single = product;
  single.lhs.rows = std::vector<int32_t>{product.lhs.rows[static_cast<size_t>(row)]};
  single.out_rows = std::vector<int32_t>{static_cast<int32_t>(product.out_offset(row) - product.first_column)};
  for (int32_t& segment : single.rhs.segments) segment += static_cast<int32_t>(column * product.rhs.column_stride);
  single.rhs.columns = 1;
  single.first_column += column;
  return single;
}

}  // namespace fqt::gemm
