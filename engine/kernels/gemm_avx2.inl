#include "engine/kernels/gemm_common.inl"

// 6 x 16 tiles: twelve accumulators of eight lanes, two registers of the panel, one broadcast.

constexpr int kRows = 6;
constexpr int kPairSumLimit = 32767;

inline __m256i broadcast32(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

void tile_f32(const float* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
              const float* panel, float* sums, int /*depth*/) {
  __m256 acc[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    acc[r][0] = _mm256_loadu_ps(sums + r * 16);
    acc[r][1] = _mm256_loadu_ps(sums + r * 16 + 8);
  }
  for (int64_t s = 0; s < segment_count; ++s) {
    const float* a[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups; ++g, panel += 16) {
      const __m256 b0 = _mm256_loadu_ps(panel), b1 = _mm256_loadu_ps(panel + 8);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256 v = _mm256_broadcast_ss(a[r] + g);
        acc[r][0] = _mm256_fmadd_ps(v, b0, acc[r][0]);
        acc[r][1] = _mm256_fmadd_ps(v, b1, acc[r][1]);
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    _mm256_storeu_ps(sums + r * 16, acc[r][0]);
    _mm256_storeu_ps(sums + r * 16 + 8, acc[r][1]);
  }
}

// maddubs adds two products in int16 and saturates there. With few enough levels, `depth` such sums still fit, and only
// then are they widened: twice the rate of 16-bit products.
void tile_u8s8_deep(const uint8_t* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count,
                    int64_t groups, const int8_t* panel, int32_t* sums, int depth) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i acc[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  int64_t left = depth;
  for (int64_t s = 0; s < segment_count; ++s) {
    const uint8_t* a[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups;) {
      const int64_t stop = groups - g < left ? groups : g + left;
      left -= stop - g;
      for (; g < stop; ++g, panel += 64) {
        const __m256i b0 = load(panel), b1 = load(panel + 32);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          const __m256i v = broadcast32(a[r] + g * 4);
          acc[r][0] = _mm256_add_epi16(acc[r][0], _mm256_maddubs_epi16(v, b0));
          acc[r][1] = _mm256_add_epi16(acc[r][1], _mm256_maddubs_epi16(v, b1));
        }
      }
      if (left > 0 && !(s + 1 == segment_count && g == groups)) continue;
      left = depth;
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
          int32_t* sum = sums + r * 16 + h * 8;
          store(sum, _mm256_add_epi32(load(sum), _mm256_madd_epi16(acc[r][h], ones)));
          acc[r][h] = _mm256_setzero_si256();
        }
    }
  }
}

// Too few sums fit to be worth keeping: each is widened at once, and the accumulators are int32.
void tile_u8s8_shallow(const uint8_t* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count,
                       int64_t groups, const int8_t* panel, int32_t* sums) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i acc[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    acc[r][0] = load(sums + r * 16);
    acc[r][1] = load(sums + r * 16 + 8);
  }
  for (int64_t s = 0; s < segment_count; ++s) {
    const uint8_t* a[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups; ++g, panel += 64) {
      const __m256i b0 = load(panel), b1 = load(panel + 32);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256i v = broadcast32(a[r] + g * 4);
        acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(_mm256_maddubs_epi16(v, b0), ones));
        acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(_mm256_maddubs_epi16(v, b1), ones));
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    store(sums + r * 16, acc[r][0]);
    store(sums + r * 16 + 8, acc[r][1]);
  }
}

void tile_u8s8(const uint8_t* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
               const int8_t* panel, int32_t* sums, int depth) {
  if (depth < 3) return tile_u8s8_shallow(lhs, rows, segments, segment_count, groups, panel, sums);
  tile_u8s8_deep(lhs, rows, segments, segment_count, groups, panel, sums, depth);
}

void tile_s16(const int16_t* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
              const int16_t* panel, int32_t* sums, int /*depth*/) {
  __m256i acc[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    acc[r][0] = load(sums + r * 16);
    acc[r][1] = load(sums + r * 16 + 8);
  }
  for (int64_t s = 0; s < segment_count; ++s) {
    const int16_t* a[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) a[r] = lhs + rows[r] + segments[s];
    for (int64_t g = 0; g < groups; ++g, panel += 32) {
      const __m256i b0 = load(panel), b1 = load(panel + 16);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256i v = broadcast32(a[r] + g * 2);
        acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(v, b0));
        acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(v, b1));
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    store(sums + r * 16, acc[r][0]);
    store(sums + r * 16 + 8, acc[r][1]);
  }
}

constexpr GemmKernels kGemmKernels{
    kRows,    kPairSumLimit, tile_f32, tile_u8s8, tile_s16, scale_tile<int32_t>, scale_tile<int64_t>,
    add_wide, widen,         center};
