#include "engine/kernels/gemm_common.inl"

// 14 x 16 tiles: fourteen accumulators of sixteen lanes. vpdpbusd takes unsigned bytes times signed bytes straight into
// int32, so levels (unsigned, left) times differences from zero (signed, packed) need no shift and no widening.

constexpr int kRows = 14;

template <typename T>
inline __m512i broadcast32(const T* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm512_set1_epi32(word);
}

inline __m512i dot(__m512i sum, const uint8_t* a, __m512i b) { return _mm512_dpbusd_epi32(sum, broadcast32(a), b); }
inline __m512i dot(__m512i sum, const int16_t* a, __m512i b) { return _mm512_dpwssd_epi32(sum, broadcast32(a), b); }

template <typename Lhs, typename Rhs>
void tile_int(const Lhs* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
              const Rhs* panel, int32_t* sums, int /*depth*/) {
  __m512i acc[kRows];
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) acc[r] = _mm512_loadu_si512(sums + r * 16);
  for (int64_t s = 0; s < segment_count; ++s) {
    const Lhs* a[kRows];
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups; ++g, panel += 16 * kGroup<Rhs>) {
      const __m512i b = _mm512_loadu_si512(panel);
#pragma GCC unroll 14
      for (int r = 0; r < kRows; ++r) acc[r] = dot(acc[r], a[r] + g * kGroup<Rhs>, b);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) _mm512_storeu_si512(sums + r * 16, acc[r]);
}

void tile_f32(const float* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
              const float* panel, float* sums, int /*depth*/) {
  __m512 acc[kRows];
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) acc[r] = _mm512_loadu_ps(sums + r * 16);
  for (int64_t s = 0; s < segment_count; ++s) {
    const float* a[kRows];
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups; ++g, panel += 16) {
      const __m512 b = _mm512_loadu_ps(panel);
#pragma GCC unroll 14
      for (int r = 0; r < kRows; ++r) acc[r] = _mm512_fmadd_ps(_mm512_set1_ps(a[r][g]), b, acc[r]);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) _mm512_storeu_ps(sums + r * 16, acc[r]);
}

constexpr GemmKernels kGemmKernels{kRows,
                                   0,
                                   tile_f32,
                                   tile_int<uint8_t, int8_t>,
                                   tile_int<int16_t, int16_t>,
                                   scale_tile<int32_t>,
                                   scale_tile<int64_t>,
                                   add_wide,
                                   widen,
                                   center};
