#include "engine/gemm/sparse.h"

#include <algorithm>
#include <optional>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/gemm/bounds.h"
#include "engine/gemm/columns.h"
#include "engine/gemm/panels.h"
#include "engine/gemm/scaled_writer.h"
#include "engine/gemm/sparse_rows.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/rehearsal.h"

namespace fqt::gemm {
namespace {

using kernels::kPanelColumns;

constexpr int64_t kMost = 127;               ///< magnitude that the kernel takes of both operands
constexpr double kSparse = 0.125;            ///< a larger share of occupied groups is multiplied as a whole
constexpr double kMostListed = 0.25;         ///< the same, where the rows that were looked at were not like the others
constexpr int64_t kLeastProducts = 1 << 22;  ///< fewer are not worth looking
constexpr int64_t kLeastColumns = 2 * kPanelColumns;
constexpr int64_t kListedRows = 64;
constexpr int64_t kPair = 2;  ///< panels that the kernel takes side by side

bool plain(const LhsGather& lhs) { return lhs.segments.size() == 1; }
bool plain(const RhsGather& rhs) { return rhs.segments.size() == 1; }

bool neighbours(const Offsets& rows) {
  for (size_t r = 1; r < rows.size(); ++r)
    if (rows[r] != rows[r - 1] + 1) return false;
  return true;
}

/// lhs, where its terms lie side by side.
std::optional<ByteMatrix> left_matrix(const GatherProduct& product, const uint8_t* data, int zero) {
  const LhsGather& lhs = product.lhs;
  // Rows that lie within a padded image would be read further past it than buffers allow.
  if (!plain(lhs) || lhs.term_stride != 1 || product.rhs.joined > 1) return {};
  return ByteMatrix{data + lhs.segments[0], product.rows(), lhs.length, lhs.rows.data(), 1, zero};
}

/// rhs transposed, where its columns lie side by side.
std::optional<ByteMatrix> right_matrix(const GatherProduct& product, const uint8_t* data, int zero) {
  const RhsGather& rhs = product.rhs;
  if (!plain(rhs) || rhs.column_stride != 1 || !product.out_rows.empty()) return {};
  return ByteMatrix{data + rhs.segments[0], rhs.columns, rhs.length, nullptr, rhs.term_stride, zero};
}

/// lhs transposed, as a right operand: nothing where its rows are no neighbours.
std::optional<RhsGather> transposed(const GatherProduct& product) {
  const LhsGather& lhs = product.lhs;
  if (!plain(lhs) || !neighbours(lhs.rows)) return {};
  RhsGather gather;
  gather.segments = {lhs.segments[0] + lhs.rows[0]};
  gather.length = gather.padded_length = product.terms;
  gather.term_stride = lhs.term_stride;
  gather.columns = product.rows();
  return gather;
}

/// Sums of rows `begin` to `end` with the panels from `panel` on, [panel][row][16].
void multiply_rows(const SparseRows& sparse, int64_t begin, int64_t end, const Panels<int8_t>& panels, int64_t panel,
                   int64_t count, int32_t* sums) {
  const auto row_sums = kernels::active().sparse.row;
  const int64_t sum_panel = (end - begin) * kPanelColumns;
  for (int64_t row = begin; row < end; ++row, sums += kPanelColumns) {
    const auto start = sparse.starts[static_cast<size_t>(row)], stop = sparse.starts[static_cast<size_t>(row) + 1];
    row_sums({sparse.groups.data() + start, sparse.values.data() + start * kernels::kGroup<int8_t>, stop - start,
              panels.panel(panel), count, panels.panel_size(), sums, sum_panel});
  }
}

/// lhs is sparse. A pair of panels stays in the cache while all rows go through it.
void multiply_left(const SparseRows& lhs, const Panels<int8_t>& panels, const ScaledWriter& writer) {
  const int64_t count = (panels.columns + kPanelColumns - 1) / kPanelColumns, pairs = (count + kPair - 1) / kPair;
  const int64_t blocks = (lhs.rows() + kListedRows - 1) / kListedRows;
  const std::vector<int32_t> corrections(kPair * kPanelColumns, 0);  // both operands are differences
  parallel_for(pairs * blocks, 1, [&](int64_t unit, int64_t last) {
    Buffer<int32_t> sums(kPair * kListedRows * kPanelColumns);
    for (; unit < last; ++unit) {
      const int64_t panel = unit / blocks * kPair, present = std::min(kPair, count - panel);
      const int64_t begin = unit % blocks * kListedRows, rows = std::min(kListedRows, lhs.rows() - begin);
      multiply_rows(lhs, begin, begin + rows, panels, panel, present, sums.data());
      const profile::Tally tally(profile::Phase::epilogue);
      const int64_t column = panel * kPanelColumns,
                    columns = std::min(present * kPanelColumns, panels.columns - column);
      writer.write(Strip<int32_t>{begin, rows, column, columns, sums.data(), rows * kPanelColumns}, corrections.data());
    }
  });
}

/// to[c][r] = from[r][c] of 16 x 16.
void transpose(const int32_t* from, int32_t* to) {
#if defined(__SSE2__)
  for (int64_t r = 0; r < kPanelColumns; r += 4)
    for (int64_t c = 0; c < kPanelColumns; c += 4) {
      const auto row = [&](int64_t i) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + (r + i) * kPanelColumns + c));
      };
      const auto put = [&](int64_t i, __m128i values) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + (c + i) * kPanelColumns + r), values);
      };
      const __m128i a = row(0), b = row(1), d = row(2), e = row(3);
      const __m128i ab01 = _mm_unpacklo_epi32(a, b), ab23 = _mm_unpackhi_epi32(a, b);
      const __m128i de01 = _mm_unpacklo_epi32(d, e), de23 = _mm_unpackhi_epi32(d, e);
      put(0, _mm_unpacklo_epi64(ab01, de01));
      put(1, _mm_unpackhi_epi64(ab01, de01));
      put(2, _mm_unpacklo_epi64(ab23, de23));
      put(3, _mm_unpackhi_epi64(ab23, de23));
    }
#else
  for (int64_t r = 0; r < kPanelColumns; ++r)
    for (int64_t c = 0; c < kPanelColumns; ++c) to[c * kPanelColumns + r] = from[r * kPanelColumns + c];
#endif
}

/// rhs is sparse: `columns` are its columns as rows, `panels` lhs transposed. The result comes out transposed.
void multiply_right(const SparseRows& columns, const Panels<int8_t>& panels, const ScaledWriter& writer) {
  const int64_t count = (panels.columns + kPanelColumns - 1) / kPanelColumns;
  const int64_t blocks = (columns.rows() + kListedRows - 1) / kListedRows;
  const std::vector<int32_t> corrections(kListedRows, 0);
  constexpr int64_t kTile = kPanelColumns * kPanelColumns;
  parallel_for(blocks, 1, [&](int64_t block, int64_t last) {
    Buffer<int32_t> sums(kPair * kListedRows * kPanelColumns), turned(kListedRows * kPanelColumns);
    std::fill_n(sums.data(), sums.size(), 0);  // what fills up the last tile is turned as well
    for (; block < last; ++block) {
      const int64_t begin = block * kListedRows, width = std::min(kListedRows, columns.rows() - begin);
      for (int64_t panel = 0; panel < count; panel += kPair) {
        const int64_t present = std::min(kPair, count - panel);
        multiply_rows(columns, begin, begin + width, panels, panel, present, sums.data());
        const profile::Tally tally(profile::Phase::epilogue);
        for (int64_t p = 0; p < present; ++p) {
          for (int64_t tile = 0; tile * kPanelColumns < width; ++tile)
            transpose(sums.data() + p * width * kPanelColumns + tile * kTile, turned.data() + tile * kTile);
          const int64_t row = (panel + p) * kPanelColumns,
                        rows = std::min<int64_t>(kPanelColumns, panels.columns - row);
          writer.write(Strip<int32_t>{row, rows, begin, width, turned.data(), kTile}, corrections.data());
        }
      }
    }
  });
}

}  // namespace

bool sparse_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                    float* out, bool add) {
  const auto *left = std::get_if<const uint8_t*>(&lhs.data), *right = std::get_if<const uint8_t*>(&rhs.data);
  if (Rehearsal::active() || !left || !right || product.rhs.columns < kLeastColumns || product.rows() < kLeastColumns ||
      product.rows() * product.rhs.columns * product.terms < kLeastProducts)
    return false;
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const OperandBounds bounds = operand_bounds(lhs, rhs, zeros);
  if (!bounds.lhs_differences.within(-kMost, kMost) || !bounds.rhs.within(-kMost, kMost) ||
      product_accumulator(product, lhs, rhs).kind != Accumulator::Kind::int32)
    return false;
  const auto listed = [](const std::optional<ByteMatrix>& matrix) -> std::optional<SparseRows> {
    if (!matrix || occupied_share(*matrix) > kSparse) return {};
    return sparse_rows(*matrix, kMostListed);
  };
  const auto writer = [&](const std::vector<double>& column_scales) {
    return ScaledWriter{{product, out}, column_scales.data(), add};
  };
  if (!rhs.panels)
    if (const auto rows = listed(left_matrix(product, *left, lhs.zero))) {
      multiply_left(*rows, pack_levels<int8_t>(*right, product.rhs, zeros), writer(product_scales(product, scales)));
      return true;
    }
  const auto gather = transposed(product);
  if (!gather || !rhs.column_zeros.empty()) return false;
  if (const auto columns = listed(right_matrix(product, *right, rhs.zero))) {
    const std::vector<uint16_t> left_zeros(static_cast<size_t>(gather->columns), static_cast<uint16_t>(lhs.zero));
    multiply_right(*columns, pack_levels<int8_t>(*left, *gather, left_zeros), writer(product_scales(product, scales)));
    return true;
  }
  return false;
}

}  // namespace fqt::gemm
