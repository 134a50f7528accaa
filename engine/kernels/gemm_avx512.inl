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

inline __m512 dot(__m512 sum, const float* a, __m512 b) { return _mm512_fmadd_ps(_mm512_set1_ps(*a), b, sum); }

inline __m512i load(const void* p) { return _mm512_loadu_si512(p); }
inline __m512 load(const float* p) { return _mm512_loadu_ps(p); }
inline __m512i zero_or_load(bool zero, const int32_t* p) { return zero ? _mm512_setzero_si512() : load(p); }
inline __m512 zero_or_load(bool zero, const float* p) { return zero ? _mm512_setzero_ps() : load(p); }
inline void store(int32_t* p, __m512i v) { _mm512_storeu_si512(p, v); }
inline void store(float* p, __m512 v) { _mm512_storeu_ps(p, v); }

template <typename Lhs, typename Rhs, typename Sum>
void tile(const TileTask<Lhs, Rhs, Sum>& task) {
  using Vector = decltype(load(task.panel));
  const int64_t groups = task.groups, step = task.step, row = task.sum_row;
  const Lhs* a[kRows];
#pragma GCC unroll 14
  for (int r = 0; r < kRows; ++r) a[r] = task.lhs + task.rows[r];
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const Rhs* panel = task.panel + p * task.panel_stride;
    Sum* sums = task.sums + p * task.sum_panel;
    Vector acc[kRows];
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) acc[r] = zero_or_load(task.fresh, sums + r * row);
    for (int64_t s = 0; s < task.segment_count; ++s) {
      int64_t at = task.segments[s];
      for (int64_t g = groups; g > 0; --g, at += step, panel += 16 * kGroup<Rhs>) {
        const Vector b = load(panel);
#pragma GCC unroll 14
        for (int r = 0; r < kRows; ++r) acc[r] = dot(acc[r], a[r] + at, b);
      }
    }
#pragma GCC unroll 14
    for (int r = 0; r < kRows; ++r) store(sums + r * row, acc[r]);
  }
}

#include "engine/kernels/gemm_pack.inl"

constexpr GemmKernels kGemmKernels{kRows,
                                   0,
                                   nullptr,
                                   tile<float, float, float>,
                                   tile<uint8_t, int8_t, int32_t>,
                                   nullptr,
                                   tile<int16_t, int16_t, int32_t>,
                                   scale_tiles<int32_t>,
                                   scale_tiles<int64_t>,
                                   add_wide,
                                   widen,
                                   center,
                                   kPackKernels};
