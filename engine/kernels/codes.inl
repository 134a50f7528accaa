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

void quantize_nearest(const float* __restrict x, int64_t count, const GridSpec* grid, uint8_t* __restrict levels) {
  const float scale = grid->scale, bottom = static_cast<float>(-grid->zero);
  const float top = static_cast<float>(grid->max_level - grid->zero);
  // Adding 1.5 * 2^23 leaves no bit for a fraction: the sum is rounded to the nearest integer, halves to even, and its
  // low bits hold that integer.
  constexpr float kRound = 12582912.0f;
  constexpr int32_t kRoundBits = 0x4B400000;
  const int32_t zero = grid->zero - kRoundBits;
  for (int64_t i = 0; i < count; ++i) {
    const float rounded = clamped_ratio(x[i], scale, bottom, top) + kRound;
    levels[i] = static_cast<uint8_t>(__builtin_bit_cast(int32_t, rounded) + zero);
  }
}

void quantize_stochastic(const float* __restrict x, int64_t count, const GridSpec* grid,
                         const uint16_t* __restrict words, uint8_t* __restrict levels) {
  const float scale = grid->scale, bottom = static_cast<float>(-grid->zero);
  const float top = static_cast<float>(grid->max_level - grid->zero);
  const int32_t zero = grid->zero;
  for (int64_t i = 0; i < count; ++i) {
    const float v = clamped_ratio(x[i], scale, bottom, top);
    int32_t base = static_cast<int32_t>(v);
    base -= static_cast<float>(base) > v ? 1 : 0;
    const float fraction = v - static_cast<float>(base);  // exact, or 1 for v just below an integer
    const float threshold = static_cast<float>(words[i]) + 0.5f;
    levels[i] = static_cast<uint8_t>(base + zero + (threshold < fraction * 65536.0f ? 1 : 0));
  }
}

constexpr uint32_t kPhiloxMul0 = 0xD2511F53u, kPhiloxMul1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxKey0 = 0x9E3779B9u, kPhiloxKey1 = 0xBB67AE85u;

/// Philox 4x32-10 (Salmon et al. 2011), one block after another.
void random_blocks(uint64_t seed, uint64_t stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  for (int64_t i = 0; i < blocks; ++i) {
    const uint64_t block = first_block + static_cast<uint64_t>(i);
    uint32_t c[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(stream),
                     static_cast<uint32_t>(stream >> 32)};
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = static_cast<uint64_t>(kPhiloxMul0) * c[0], p1 = static_cast<uint64_t>(kPhiloxMul1) * c[2];
      c[0] = static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0;
      c[2] = static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1;
      c[1] = static_cast<uint32_t>(p1);
      c[3] = static_cast<uint32_t>(p0);
      k0 += kPhiloxKey0;
      k1 += kPhiloxKey1;
    }
    __builtin_memcpy(words + i * 8, c, sizeof c);  // little-endian: low half first
  }
}

#if defined(__AVX2__)
/// Sixteen blocks at once, one to a 64-bit lane: the lane's low half is the word, what is left in its high half is
/// never looked at.
void random_words(uint64_t seed, uint64_t stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  constexpr int kChains = 4, kLanes = 4;
  const __m256i mul0 = _mm256_set1_epi64x(kPhiloxMul0), mul1 = _mm256_set1_epi64x(kPhiloxMul1);
  const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
  int64_t done = 0;
  for (; done + kChains * kLanes <= blocks; done += kChains * kLanes) {
    __m256i c0[kChains], c1[kChains], c2[kChains], c3[kChains];
#pragma GCC unroll 4
    for (int i = 0; i < kChains; ++i) {
      c0[i] = _mm256_add_epi64(
          _mm256_set1_epi64x(static_cast<int64_t>(first_block + static_cast<uint64_t>(done + i * kLanes))),
          _mm256_set_epi64x(3, 2, 1, 0));
      c1[i] = _mm256_srli_epi64(c0[i], 32);
      c2[i] = _mm256_set1_epi64x(static_cast<int64_t>(stream & 0xFFFFFFFF));
      c3[i] = _mm256_set1_epi64x(static_cast<int64_t>(stream >> 32));
    }
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);
#pragma GCC unroll 4
      for (int i = 0; i < kChains; ++i) {
        const __m256i p0 = _mm256_mul_epu32(mul0, c0[i]), p1 = _mm256_mul_epu32(mul1, c2[i]);
        c0[i] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1[i]), key0);
        c2[i] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3[i]), key1);
        c1[i] = p1;
        c3[i] = p0;
      }
      k0 += kPhiloxKey0;
      k1 += kPhiloxKey1;
    }
#pragma GCC unroll 4
    for (int i = 0; i < kChains; ++i) {
      const __m256i front = _mm256_or_si256(_mm256_and_si256(c0[i], low_half), _mm256_slli_epi64(c1[i], 32));
      const __m256i back = _mm256_or_si256(_mm256_and_si256(c2[i], low_half), _mm256_slli_epi64(c3[i], 32));
      const __m256i even = _mm256_unpacklo_epi64(front, back), odd = _mm256_unpackhi_epi64(front, back);
      __m256i* to = reinterpret_cast<__m256i*>(words + (done + i * kLanes) * 8);
      _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
      _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
    }
  }
  random_blocks(seed, stream, first_block + static_cast<uint64_t>(done), blocks - done, words + done * 8);
}
#else
void random_words(uint64_t seed, uint64_t stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  random_blocks(seed, stream, first_block, blocks, words);
}
#endif

constexpr CodeKernels kCodeKernels{extremes, quantize_nearest, quantize_stochastic, random_words};
