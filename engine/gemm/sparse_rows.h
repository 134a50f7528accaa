#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/buffer.h"

namespace fqt::gemm {

/// A matrix of bytes of which most are zero, row by row: the groups of four neighbouring terms in which anything is
/// not, in rising order, and what they hold.
struct SparseRows {
  std::vector<int64_t> starts;  ///< of each row's groups; one more than there are rows
  Buffer<int32_t> groups;
  Buffer<int8_t> values;  ///< level - zero, four to a group

  int64_t rows() const { return static_cast<int64_t>(starts.size()) - 1; }
};

/// A plain matrix of levels as its rows and groups of terms are looked through: term t of row r is
/// data[rows(r) + t * term_stride]; zero and every level - zero fit int8.
struct ByteMatrix {
  const uint8_t* data;
  int64_t rows, terms;
  const int32_t* row_offsets;  ///< null: row r at r
  int64_t term_stride;         ///< 1 where row_offsets is given
  int zero;
};

/// The share of groups that are not all zero, from a few rows.
double occupied_share(const ByteMatrix& matrix);

/// All rows; nothing where more than `most` of all groups are not all zero. Where terms are no multiple of four, the
/// last group holds what lies behind a row of term stride 1: that meets zeros in the other operand.
std::optional<SparseRows> sparse_rows(const ByteMatrix& matrix, double most);

}  // namespace fqt::gemm
