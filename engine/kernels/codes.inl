// Included once by every instruction set's translation unit, inside namespace fqt::kernels::<isa>.

typedef float FloatLanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t IntLanes __attribute__((vector_size(32), aligned(4), may_alias));

void extremes(const float* x, int64_t count, Extremes* result) {
  constexpr int kLanes = 8, kVectors = 4;
  FloatLanes low[kVectors], high[kVectors];
  IntLanes bad[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    low[v] = FloatLanes{} + result->low;
    high[v] = FloatLanes{} + result->high;
    bad[v] = IntLanes{};
  }
  int64_t i = 0;
  for (; i + kLanes * kVectors <= count; i += kLanes * kVectors)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const FloatLanes value = *reinterpret_cast<const FloatLanes*>(x + i + v * kLanes);
      low[v] = value < low[v] ? value : low[v];
      high[v] = value > high[v] ? value : high[v];
      bad[v] |= reinterpret_cast<IntLanes>(value - value);  // zero for finite values, NaN for the others
    }
  bool finite = result->finite;
  for (int v = 0; v < kVectors; ++v)
    for (int l = 0; l < kLanes; ++l) {
      result->low = low[v][l] < result->low ? low[v][l] : result->low;
      result->high = high[v][l] > result->high ? high[v][l] : result->high;
      finite = finite && bad[v][l] == 0;
    }
  for (; i < count; ++i) {
    result->low = x[i] < result->low ? x[i] : result->low;
    result->high = x[i] > result->high ? x[i] : result->high;
    finite = finite && x[i] - x[i] == 0.0f;
  }
  result->finite = finite;
}

/// x / scale within [-zero, max_level - zero]: rounding it cannot leave the grid.
inline float clamped_ratio(float x, float scale, float bottom, float top) {
  float v = x / scale;
  v = v > bottom ? v : bottom;
  return v < top ? v : top;
}

// Each way to round takes the clamped ratio and a random word to a whole number.

inline int32_t round_nearest(float v, uint16_t /*word*/) {
  // Adding 1.5 * 2^23 leaves no bit for a fraction: the sum is rounded to the nearest integer, halves to even, and its
  // low bits hold that integer.
  constexpr float kRound = 12582912.0f;
  constexpr int32_t kRoundBits = 0x4B400000;
  return __builtin_bit_cast(int32_t, v + kRound) - kRoundBits;
}

inline int32_t round_nearest_away(float v, uint16_t /*word*/) {
  const int32_t whole = static_cast<int32_t>(v);
  const float fraction = v - static_cast<float>(whole);  // exact, with the sign of v
  return whole + (fraction >= 0.5f ? 1 : 0) - (fraction <= -0.5f ? 1 : 0);
}

inline int32_t round_toward_zero(float v, uint16_t /*word*/) { return static_cast<int32_t>(v); }

inline int32_t round_stochastic(float v, uint16_t word) {
  int32_t base = static_cast<int32_t>(v);
  base -= static_cast<float>(base) > v ? 1 : 0;
  const float fraction = v - static_cast<float>(base);  // exact, or 1 for v just below an integer
  const float threshold = static_cast<float>(word) + 0.5f;
  return base + (threshold < fraction * 65536.0f ? 1 : 0);
}

#if defined(__AVX2__)
// The same formulas for eight values at a time; words are widened to 32 bits.

inline __m256i lanes_nearest(__m256 v, __m256i /*words*/) { return _mm256_cvtps_epi32(v); }

inline __m256i lanes_nearest_away(__m256 v, __m256i /*words*/) {
  const __m256i whole = _mm256_cvttps_epi32(v);
  const __m256 fraction = _mm256_sub_ps(v, _mm256_cvtepi32_ps(whole));
  const __m256i up = _mm256_castps_si256(_mm256_cmp_ps(fraction, _mm256_set1_ps(0.5f), _CMP_GE_OQ));
  const __m256i down = _mm256_castps_si256(_mm256_cmp_ps(fraction, _mm256_set1_ps(-0.5f), _CMP_LE_OQ));
  return _mm256_add_epi32(_mm256_sub_epi32(whole, up), down);  // a mask is -1
}

inline __m256i lanes_toward_zero(__m256 v, __m256i /*words*/) { return _mm256_cvttps_epi32(v); }

inline __m256i lanes_stochastic(__m256 v, __m256i words) {
  const __m256 base = _mm256_floor_ps(v), fraction = _mm256_sub_ps(v, base);
  const __m256 threshold = _mm256_add_ps(_mm256_cvtepi32_ps(words), _mm256_set1_ps(0.5f));
  const __m256 up = _mm256_cmp_ps(threshold, _mm256_mul_ps(fraction, _mm256_set1_ps(65536.0f)), _CMP_LT_OQ);
  return _mm256_sub_epi32(_mm256_cvttps_epi32(base), _mm256_castps_si256(up));
}

inline void store_levels(const __m256i* lanes, uint8_t* levels) {
  const __m256i low = _mm256_packus_epi32(lanes[0], lanes[1]), high = _mm256_packus_epi32(lanes[2], lanes[3]);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);  // packing works on each half of a register
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(levels),
                      _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order));
}

inline void store_levels(const __m256i* lanes, uint16_t* levels) {
  for (int half = 0; half < 2; ++half)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(levels) + half,
                        _mm256_permute4x64_epi64(_mm256_packus_epi32(lanes[2 * half], lanes[2 * half + 1]), 0xD8));
}

/// Levels of as many values as come in whole runs of 32; returns how many.
template <typename Level, __m256i (*kRound)(__m256, __m256i), bool kRandom>
int64_t quantize_runs(const float* x, int64_t count, const GridSpec* grid, const uint16_t* words, Level* levels) {
  const __m256 scale = _mm256_set1_ps(grid->scale), bottom = _mm256_set1_ps(static_cast<float>(-grid->zero));
  const __m256 top = _mm256_set1_ps(static_cast<float>(grid->max_level - grid->zero));
  const __m256i zero = _mm256_set1_epi32(grid->zero);
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i lanes[4];
#pragma GCC unroll 4
    for (int part = 0; part < 4; ++part) {
      const int64_t at = i + part * 8;
      __m256 v = _mm256_div_ps(_mm256_loadu_ps(x + at), scale);
      v = _mm256_min_ps(_mm256_max_ps(v, bottom), top);
      __m256i word = _mm256_setzero_si256();
      if constexpr (kRandom)
        word = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words + at)));
      lanes[part] = _mm256_add_epi32(kRound(v, word), zero);
    }
    store_levels(lanes, levels + i);
  }
  return i;
}
#define FQT_LANES(rounding) lanes_##rounding
#else
#define FQT_LANES(rounding) nullptr
#endif

/// `kRound` takes one value, `kLanes`, where the instruction set has it, eight at a time.
template <typename Level, int32_t (*kRound)(float, uint16_t), auto kLanes, bool kRandom>
void quantize(const float* x, int64_t count, const GridSpec* grid, const uint16_t* words, Level* levels) {
  const float scale = grid->scale, bottom = static_cast<float>(-grid->zero);
  const float top = static_cast<float>(grid->max_level - grid->zero);
  int64_t i = 0;
#if defined(__AVX2__)
  i = quantize_runs<Level, kLanes, kRandom>(x, count, grid, words, levels);
#endif
  for (; i < count; ++i)
    levels[i] = static_cast<Level>(
        kRound(clamped_ratio(x[i], scale, bottom, top), kRandom ? words[i] : static_cast<uint16_t>(0)) + grid->zero);
}

template <int32_t (*kRound)(float, uint16_t), auto kLanes, bool kRandom = false>
constexpr QuantizeKernels kQuantize{quantize<uint8_t, kRound, kLanes, kRandom>,
                                    quantize<uint16_t, kRound, kLanes, kRandom>};

#include "engine/kernels/drawn.inl"

constexpr CodeKernels kCodeKernels{
    extremes,
    {kQuantize<round_nearest, FQT_LANES(nearest)>, kQuantize<round_nearest_away, FQT_LANES(nearest_away)>,
     kQuantize<round_toward_zero, FQT_LANES(toward_zero)>, kQuantize<round_stochastic, FQT_LANES(stochastic), true>},
    {quantize_drawn<uint8_t>, quantize_drawn<uint16_t>},
    random_words};

#undef FQT_LANES
