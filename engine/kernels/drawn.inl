// Part of codes.inl: random words, and stochastic rounding that draws its own.

constexpr uint32_t kPhiloxMul0 = 0xD2511F53u, kPhiloxMul1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxKey0 = 0x9E3779B9u, kPhiloxKey1 = 0xBB67AE85u;
constexpr int64_t kBlockWords = 8;

/// Philox 4x32-10 (Salmon et al. 2011), one block after another.
void random_blocks(const NoiseStream& stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  for (int64_t i = 0; i < blocks; ++i) {
    const uint64_t block = first_block + static_cast<uint64_t>(i);
    uint32_t c[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                     static_cast<uint32_t>(stream.stream), static_cast<uint32_t>(stream.stream >> 32)};
    uint32_t k0 = static_cast<uint32_t>(stream.seed), k1 = static_cast<uint32_t>(stream.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = static_cast<uint64_t>(kPhiloxMul0) * c[0], p1 = static_cast<uint64_t>(kPhiloxMul1) * c[2];
      c[0] = static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0;
      c[2] = static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1;
      c[1] = static_cast<uint32_t>(p1);
      c[3] = static_cast<uint32_t>(p0);
      k0 += kPhiloxKey0;
      k1 += kPhiloxKey1;
    }
    __builtin_memcpy(words + i * kBlockWords, c, sizeof c);  // little-endian: low half first
  }
}

#if defined(__AVX2__)
/// Eight blocks at once, one to a 64-bit lane: the lane's low half is the word, what is left in its high half is
/// never looked at.
class PhiloxLanes {
 public:
  static constexpr int kChains = 2, kLanes = 4, kRounds = 10;  // more chains do not fit 16 registers
  static constexpr int64_t kBlocks = kChains * kLanes;

  explicit PhiloxLanes(const NoiseStream& stream)
      : low_(_mm256_set1_epi64x(static_cast<int64_t>(stream.stream & 0xFFFFFFFF))),
        high_(_mm256_set1_epi64x(static_cast<int64_t>(stream.stream >> 32))) {
    for (uint32_t round = 0; round < kRounds; ++round) {
      keys_[round][0] = _mm256_set1_epi64x(static_cast<uint32_t>(stream.seed) + round * kPhiloxKey0);
      keys_[round][1] = _mm256_set1_epi64x(static_cast<uint32_t>(stream.seed >> 32) + round * kPhiloxKey1);
    }
    __asm__("" : "+m"(keys_));  // kept in memory: as constants they would be rebuilt for each block
  }

  void draw(uint64_t first_block, uint16_t* words) const {
    const __m256i mul0 = _mm256_set1_epi64x(kPhiloxMul0), mul1 = _mm256_set1_epi64x(kPhiloxMul1);
    __m256i c0[kChains], c1[kChains], c2[kChains], c3[kChains];
#pragma GCC unroll 2
    for (int i = 0; i < kChains; ++i) {
      c0[i] = _mm256_add_epi64(_mm256_set1_epi64x(static_cast<int64_t>(first_block) + i * kLanes),
                               _mm256_set_epi64x(3, 2, 1, 0));
      c1[i] = _mm256_srli_epi64(c0[i], 32);
      c2[i] = low_;
      c3[i] = high_;
    }
#pragma GCC unroll 10
    for (int round = 0; round < kRounds; ++round)
#pragma GCC unroll 2
      for (int i = 0; i < kChains; ++i) {
        const __m256i p0 = _mm256_mul_epu32(mul0, c0[i]), p1 = _mm256_mul_epu32(mul1, c2[i]);
        c0[i] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1[i], keys_[round][0]));
        c2[i] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3[i], keys_[round][1]));
        c1[i] = p1;
        c3[i] = p0;
      }
#pragma GCC unroll 2
    for (int i = 0; i < kChains; ++i) {
      const __m256i front = _mm256_blend_epi32(c0[i], _mm256_slli_epi64(c1[i], 32), 0xAA);
      const __m256i back = _mm256_blend_epi32(c2[i], _mm256_slli_epi64(c3[i], 32), 0xAA);
      const __m256i even = _mm256_unpacklo_epi64(front, back), odd = _mm256_unpackhi_epi64(front, back);
      __m256i* to = reinterpret_cast<__m256i*>(words + i * kLanes * kBlockWords);
      _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
      _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
    }
  }

 private:
  __m256i low_, high_;
  __m256i keys_[kRounds][2];
};

void random_words(const NoiseStream& stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  const PhiloxLanes lanes(stream);
  int64_t done = 0;
  for (; done + PhiloxLanes::kBlocks <= blocks; done += PhiloxLanes::kBlocks)
    lanes.draw(first_block + static_cast<uint64_t>(done), words + done * kBlockWords);
  random_blocks(stream, first_block + static_cast<uint64_t>(done), blocks - done, words + done * kBlockWords);
}
#else
void random_words(const NoiseStream& stream, uint64_t first_block, int64_t blocks, uint16_t* words) {
  random_blocks(stream, first_block, blocks, words);
}
#endif

/// Words of elements `first` ... of a stream go to words[0 .. count); up to 7 more words are written.
void draw_elements(const NoiseStream& stream, uint64_t first, int64_t count, uint16_t* words) {
  uint16_t block[kBlockWords];
  const int64_t skip = static_cast<int64_t>(first % kBlockWords);
  int64_t done = 0;
  if (skip > 0) {
    random_blocks(stream, first / kBlockWords, 1, block);
    for (; done < count && skip + done < kBlockWords; ++done) words[done] = block[skip + done];
  }
  if (done < count)
    random_words(stream, (first + static_cast<uint64_t>(done)) / kBlockWords,
                 (count - done + kBlockWords - 1) / kBlockWords, words + done);
}

/// Stochastic rounding of elements `first` ... by the words of a stream.
template <typename Level>
void quantize_drawn(const float* x, int64_t count, const GridSpec* grid, const NoiseStream& stream, uint64_t first,
                    Level* levels) {
  constexpr int64_t kRun = 64;
  uint16_t words[2][kRun + kBlockWords];
  const auto round = [&](int64_t at, int64_t run, const uint16_t* drawn) {
    quantize<Level, round_stochastic, FQT_LANES(stochastic), true>(x + at, run, grid, drawn, levels + at);
  };
  const int64_t skip = static_cast<int64_t>(first % kBlockWords);
  int64_t done = skip == 0 ? 0 : count < kBlockWords - skip ? count : kBlockWords - skip;
  draw_elements(stream, first, done, words[0]);
  round(0, done, words[0]);
#if defined(__AVX2__)
  // The words of a run are drawn while the one before it is rounded: one waits for multiplications, the other for
  // divisions.
  static_assert(kRun == PhiloxLanes::kBlocks * kBlockWords);
  const PhiloxLanes lanes(stream);
  uint64_t block = (first + static_cast<uint64_t>(done)) / kBlockWords;
  int current = 0;
  if (done + kRun <= count) lanes.draw(block, words[current]);
  for (; done + kRun <= count; done += kRun) {
    block += PhiloxLanes::kBlocks;
    lanes.draw(block, words[1 - current]);
    quantize_runs<Level, lanes_stochastic, true>(x + done, kRun, grid, words[current], levels + done);
    current = 1 - current;
  }
#endif
  for (; done < count; done += kRun) {
    const int64_t run = count - done < kRun ? count - done : kRun;
    draw_elements(stream, first + static_cast<uint64_t>(done), run, words[0]);
    round(done, run, words[0]);
  }
}
