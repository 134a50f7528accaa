#include "engine/gemm/sparse_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/kernels/gemm.h"
#include "engine/parallel.h"

namespace fqt::gemm {
namespace {

constexpr int64_t kTerms = kernels::kGroup<int8_t>;
constexpr int64_t kLook = 16;     ///< groups, or rows where those lie side by side, that are looked at together
constexpr int64_t kSamples = 16;  ///< rows, or groups, that tell how full a matrix is

/// One bit for each of 16 groups of four bytes in a row that is not all `zero`.
uint32_t occupied_groups(const uint8_t* at, int zero) {
#if defined(__SSE2__)
  const __m128i zeros = _mm_set1_epi8(static_cast<char>(zero));
  const auto equal = [&](int i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i);
    return _mm_cmpeq_epi32(bytes, zeros);
  };
  const __m128i words01 = _mm_packs_epi32(equal(0), equal(1)), words23 = _mm_packs_epi32(equal(2), equal(3));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(words01, words23))) ^ 0xffff;
#else
  uint32_t bits = 0;
  for (int64_t i = 0; i < kLook * kTerms; ++i) bits |= static_cast<uint32_t>(at[i] != zero) << (i / kTerms);
  return bits;
#endif
}

/// One bit for each of 16 neighbouring rows of which any of `terms` terms is not `zero`.
uint32_t occupied_rows(const uint8_t* at, int64_t term_stride, int64_t terms, int zero) {
#if defined(__SSE2__)
  const __m128i zeros = _mm_set1_epi8(static_cast<char>(zero));
  __m128i all = _mm_set1_epi8(-1);
  for (int64_t t = 0; t < terms; ++t)
    all = _mm_and_si128(all,
                        _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + t * term_stride)), zeros));
  return static_cast<uint32_t>(_mm_movemask_epi8(all)) ^ 0xffff;
#else
  uint32_t bits = 0;
  for (int64_t t = 0; t < terms; ++t)
    for (int64_t r = 0; r < kLook; ++r) bits |= static_cast<uint32_t>(at[t * term_stride + r] != zero) << r;
  return bits;
#endif
}

/// The first `count` of the bits.
uint32_t first_bits(uint32_t bits, int64_t count) { return count >= kLook ? bits : bits & ((1U << count) - 1); }

int64_t group_count(const ByteMatrix& matrix) { return (matrix.terms + kTerms - 1) / kTerms; }

/// Calls body(group) for every group of a row, whose terms lie side by side, that is not all zero. (Operands are
/// readable for 64 bytes past their end.)
template <typename Body>
void for_groups_of_row(const ByteMatrix& matrix, int64_t row, const Body& body) {
  const uint8_t* const at = matrix.data + matrix.row_offsets[row];
  const int64_t groups = group_count(matrix);
  for (int64_t g = 0; g < groups; g += kLook)
    for (uint32_t bits = first_bits(occupied_groups(at + g * kTerms, matrix.zero), groups - g); bits != 0;
         bits &= bits - 1)
      body(g + std::countr_zero(bits));
}

/// Calls body(row, terms of the group) for every row from `begin` to `end` in which this group is not all zero.
template <typename Body>
void for_rows_of_group(const ByteMatrix& matrix, int64_t group, int64_t begin, int64_t end, const Body& body) {
  const uint8_t* const at = matrix.data + group * kTerms * matrix.term_stride;
  const int64_t terms = std::min(kTerms, matrix.terms - group * kTerms);
  for (int64_t r = begin; r < end; r += kLook)
    for (uint32_t bits = first_bits(occupied_rows(at + r, matrix.term_stride, terms, matrix.zero), end - r); bits != 0;
         bits &= bits - 1)
      body(r + std::countr_zero(bits), terms);
}

/// Calls visit(row, group, terms) for what is not all zero of rows `begin` to `end`, the groups of each row in order.
template <typename Visit>
void for_occupied(const ByteMatrix& matrix, int64_t begin, int64_t end, const Visit& visit) {
  if (matrix.row_offsets) {
    for (int64_t row = begin; row < end; ++row)
      for_groups_of_row(matrix, row, [&](int64_t group) { visit(row, group, kTerms); });
    return;
  }
  for (int64_t group = 0; group < group_count(matrix); ++group)
    for_rows_of_group(matrix, group, begin, end, [&](int64_t row, int64_t terms) { visit(row, group, terms); });
}

}  // namespace

double occupied_share(const ByteMatrix& matrix) {
  const bool by_rows = matrix.row_offsets != nullptr;
  const int64_t lines = by_rows ? matrix.rows : group_count(matrix), samples = std::min(lines, kSamples);
  const int64_t length = by_rows ? group_count(matrix) : matrix.rows;
  int64_t occupied = 0;
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t line = i * lines / samples;
    if (by_rows)
      for_groups_of_row(matrix, line, [&](int64_t) { ++occupied; });
    else
      for_rows_of_group(matrix, line, 0, matrix.rows, [&](int64_t, int64_t) { ++occupied; });
  }
  return static_cast<double>(occupied) / static_cast<double>(std::max<int64_t>(samples * length, 1));
}

std::optional<SparseRows> sparse_rows(const ByteMatrix& matrix, double most) {
  SparseRows sparse;
  std::vector<int64_t>& starts = sparse.starts;
  starts.assign(static_cast<size_t>(matrix.rows) + 1, 0);
  const int64_t grain = std::max<int64_t>(kLook, (int64_t{1} << 18) / std::max<int64_t>(matrix.terms, 1));
  parallel_for(matrix.rows, grain, [&](int64_t begin, int64_t end) {
    for_occupied(matrix, begin, end, [&](int64_t row, int64_t, int64_t) { ++starts[static_cast<size_t>(row) + 1]; });
  });
  for (size_t row = 1; row < starts.size(); ++row) starts[row] += starts[row - 1];
  if (static_cast<double>(starts.back()) > most * static_cast<double>(matrix.rows * group_count(matrix))) return {};
  sparse.groups = Buffer<int32_t>(starts.back());
  sparse.values = Buffer<int8_t>(starts.back() * kTerms);
  std::vector<int64_t> next(starts.begin(), starts.end() - 1);
  parallel_for(matrix.rows, grain, [&](int64_t begin, int64_t end) {
    for_occupied(matrix, begin, end, [&](int64_t row, int64_t group, int64_t terms) {
      const int64_t entry = next[static_cast<size_t>(row)]++;
      sparse.groups.data()[entry] = static_cast<int32_t>(group);
      const uint8_t* const at =
          matrix.data + (matrix.row_offsets ? matrix.row_offsets[row] : row) + group * kTerms * matrix.term_stride;
      for (int64_t t = 0; t < kTerms; ++t)
        sparse.values.data()[entry * kTerms + t] =
            static_cast<int8_t>(t < terms ? at[t * matrix.term_stride] - matrix.zero : 0);
    });
  });
  return sparse;
}

}  // namespace fqt::gemm
