// Included once by every instruction set's translation unit, inside namespace fqt::kernels::<isa>.

void extremes(const float* x, int64_t count, Extremes* result) {
  constexpr int kLanes = 16;
  float low[kLanes], high[kLanes];
  uint32_t bad[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    low[l] = result->low;
    high[l] = result->high;
    bad[l] = 0;
  }
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int l = 0; l < kLanes; ++l) {
      const float v = x[i + l];
      low[l] = v < low[l] ? v : low[l];
      high[l] = v > high[l] ? v : high[l];
      bad[l] |= __builtin_bit_cast(uint32_t, v - v);  // zero for finite values, NaN for the others
    }
  for (; i < count; ++i) {
    low[0] = x[i] < low[0] ? x[i] : low[0];
    high[0] = x[i] > high[0] ? x[i] : high[0];
    bad[0] |= __builtin_bit_cast(uint32_t, x[i] - x[i]);
  }
  uint32_t any = 0;
  for (int l = 0; l < kLanes; ++l) {
    result->low = low[l] < result->low ? low[l] : result->low;
    result->high = high[l] > result->high ? high[l] : result->high;
    any |= bad[l];
  }
  result->finite = result->finite && any == 0;
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
    const float fraction = v - static_cast<float>(base);  // exact
    const float threshold = static_cast<float>(words[i]) + 0.5f;
    levels[i] = static_cast<uint8_t>(base + zero + (threshold < fraction * 65536.0f ? 1 : 0));
  }
}

constexpr uint32_t kPhiloxMul0 = 0xD2511F53u, kPhiloxMul1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxKey0 = 0x9E3779B9u, kPhiloxKey1 = 0xBB67AE85u;

/// Philox 4x32-10 (Salmon et al. 2011) of `kLanes` consecutive counters at once.
void random_words(uint64_t seed, uint64_t stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  constexpr int kLanes = 8;
  for (int64_t done = 0; done < blocks; done += kLanes) {
    uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t block = first_block + static_cast<uint64_t>(done + l);
      c0[l] = static_cast<uint32_t>(block);
      c1[l] = static_cast<uint32_t>(block >> 32);
      c2[l] = static_cast<uint32_t>(stream);
      c3[l] = static_cast<uint32_t>(stream >> 32);
    }
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int l = 0; l < kLanes; ++l) {
        const uint64_t p0 = static_cast<uint64_t>(kPhiloxMul0) * c0[l], p1 = static_cast<uint64_t>(kPhiloxMul1) * c2[l];
        c0[l] = static_cast<uint32_t>(p1 >> 32) ^ c1[l] ^ k0;
        c2[l] = static_cast<uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
        c1[l] = static_cast<uint32_t>(p1);
        c3[l] = static_cast<uint32_t>(p0);
      }
      k0 += kPhiloxKey0;
      k1 += kPhiloxKey1;
    }
    const int64_t lanes = blocks - done < kLanes ? blocks - done : kLanes;
    for (int64_t l = 0; l < lanes; ++l) {
      const uint32_t out[4] = {c0[l], c1[l], c2[l], c3[l]};
      __builtin_memcpy(words + (done + l) * 8, out, sizeof out);  // little-endian: low half first
    }
  }
}

constexpr CodeKernels kCodeKernels{extremes, quantize_nearest, quantize_stochastic, random_words};
