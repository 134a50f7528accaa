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

inline __m256i zero_or_load(bool zero, const int32_t* p) { return zero ? _mm256_setzero_si256() : load(p); }
inline __m256 zero_or_load(bool zero, const float* p) { return zero ? _mm256_setzero_ps() : _mm256_loadu_ps(p); }
inline void store(float* p, __m256 v) { _mm256_storeu_ps(p, v); }

inline __m256 load_panel(const float* p) { return _mm256_loadu_ps(p); }
inline __m256i load_panel(const void* p) { return load(p); }
inline __m256 load_lhs(const float* p) { return _mm256_broadcast_ss(p); }
inline __m256i load_lhs(const void* p) { return broadcast32(p); }

/// One group: sum + a * b.
struct AddFloats {
  static __m256 add(__m256 sum, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, sum); }
};
struct AddWords {
  static __m256i add(__m256i sum, __m256i a, __m256i b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};
/// Too few pair sums fit int16 to be worth keeping: each is widened at once, and the accumulators are int32.
struct AddBytes {
  static __m256i add(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
  }
};

/// Tiles whose accumulators hold the sums as they are stored, `row` elements to a row.
template <typename Add, typename Lhs, typename Rhs, typename Sum>
inline __attribute__((always_inline)) void tile(const TileTask<Lhs, Rhs, Sum>& task, int64_t row) {
  using Vector = decltype(load_panel(task.panel));
  constexpr int kHalf = 8 * kGroup<Rhs>;
  const int64_t groups = task.groups, step = task.step;
  const Lhs* a[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    a[r] = task.lhs + task.rows[r];
    asm("" : "+r"(a[r]));  // a pointer of its own: compilers would add up lhs, row and term for every load
  }
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const Rhs* panel = task.panel + p * task.panel_stride;
    Sum* sums = task.sums + p * task.sum_panel;
    Vector acc[kRows][2];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      acc[r][0] = zero_or_load(task.fresh, sums + r * row);
      acc[r][1] = zero_or_load(task.fresh, sums + r * row + 8);
    }
    for (int64_t s = 0; s < task.segment_count; ++s) {
      int64_t at = task.segments[s];
      for (int64_t g = groups; g > 0; --g, at += step, panel += 2 * kHalf) {
        const Vector b0 = load_panel(panel), b1 = load_panel(panel + kHalf);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          const Vector v = load_lhs(a[r] + at);
          acc[r][0] = Add::add(acc[r][0], v, b0);
          acc[r][1] = Add::add(acc[r][1], v, b1);
        }
      }
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      store(sums + r * row, acc[r][0]);
      store(sums + r * row + 8, acc[r][1]);
    }
  }
}

// maddubs adds two products in int16 and saturates there. With few enough levels, `depth` such sums still fit, and only
// then are they widened: twice the rate of 16-bit products.
void tile_u8s8_deep(const TileTask<uint8_t, int8_t, int32_t>& task) {
  const __m256i ones = _mm256_set1_epi16(1);
  const int64_t groups = task.groups, step = task.step, depth = task.depth;
  const uint8_t* a[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    a[r] = task.lhs + task.rows[r];
    asm("" : "+r"(a[r]));  // a pointer of its own: compilers would add up lhs, row and term for every load
  }
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const int8_t* panel = task.panel + p * task.panel_stride;
    int32_t* sums = task.sums + p * task.sum_panel;
    if (task.fresh)
      for (int i = 0; i < kRows * 16; i += 8) store(sums + i, _mm256_setzero_si256());
    __m256i acc[kRows][2];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
    int64_t left = depth;
    for (int64_t s = 0; s < task.segment_count; ++s) {
      int64_t at = task.segments[s];
      for (int64_t g = 0; g < groups;) {
        const int64_t count = groups - g < left ? groups - g : left;
        g += count;
        left -= count;
        for (int64_t i = count; i > 0; --i, at += step, panel += 64) {
          const __m256i b0 = load(panel), b1 = load(panel + 32);
#pragma GCC unroll 6
          for (int r = 0; r < kRows; ++r) {
            const __m256i v = broadcast32(a[r] + at);
            acc[r][0] = _mm256_add_epi16(acc[r][0], _mm256_maddubs_epi16(v, b0));
            acc[r][1] = _mm256_add_epi16(acc[r][1], _mm256_maddubs_epi16(v, b1));
          }
        }
        const bool last = s + 1 == task.segment_count && g == groups;
        if (left > 0 && !last) continue;
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
}

void tile_u8s8(const TileTask<uint8_t, int8_t, int32_t>& task) {
  if (task.depth < 3) return tile<AddBytes>(task, kPanelColumns);
  tile_u8s8_deep(task);
}

void tile_f32(const TileTask<float, float, float>& task) {
  if (task.sum_row == kPanelColumns) return tile<AddFloats>(task, kPanelColumns);  // a constant: fewer pointers
  tile<AddFloats>(task, task.sum_row);
}
void tile_s16(const TileTask<int16_t, int16_t, int32_t>& task) { tile<AddWords>(task, kPanelColumns); }

#include "engine/kernels/gemm_pack.inl"

constexpr GemmKernels kGemmKernels{
    kRows,    kPairSumLimit, tile_f32, tile_u8s8,   tile_s16, scale_tiles<int32_t>, scale_tiles<int64_t>,
    add_wide, widen,         center,   kPackKernels};
