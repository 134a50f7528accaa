// Included once by every instruction set's translation unit, behind its tiles. WindowTask's and TapTask's formulas,
// term by term, are the specification; where there is AVX2, sixteen channels at a time follow it.

/// Calls body(begin, end) for runs of pixels, each for all channels: memory is walked nearly in order.
template <typename Body>
inline void for_pixels(int64_t pixels, int64_t run, const Body& body) {
  for (int64_t p = 0; p < pixels; p += run) body(p, p + run < pixels ? p + run : pixels);
}

/// WindowTask's results, channels from `first` on.
template <typename Level>
inline void window_channels(const WindowTask<Level, int16_t>& task, int64_t first) {
  for (int64_t p = 0; p < task.pixels; ++p)
    for (int64_t c = first; c < task.channels; ++c) {
      int32_t sum = 0;
      for (int t = 0; t < task.taps; ++t)
        sum += (task.lhs[p * task.step + task.offsets[t] + c] - task.bias) * task.weights[t * task.channels + c];
      scale_row<int32_t>(&sum, task.corrections + c, task.scales + c, 1, task.out + p * task.out_step + c);
    }
}

/// TapTask's sums, channels from `first` on.
template <typename Level>
inline void tap_channels(const TapTask<Level, int16_t, int32_t>& task, int64_t first) {
  for (int t = 0; t < task.taps; ++t)
    for (int64_t c = first; c < task.channels; ++c) {
      int32_t sum = 0;
      for (int64_t p = 0; p < task.pixels; ++p)
        sum += (task.lhs[p * task.step + task.offsets[t] + c] - task.bias) * task.rhs[p * task.rhs_step + c];
      task.sums[t * task.sum_step + c] += sum;
    }
}

constexpr int64_t kChannels = 16;  ///< of a vector

#if defined(__AVX2__)
// Two terms side by side in 32 bits of each channel: vpmaddwd multiplies and adds both.

/// What level - bias is in int16, sixteen channels of it. A bias of 32768 is a flip of the highest bit.
inline __m256i sixteen_words(const uint8_t* levels, __m256i /*flip*/) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels)));
}
inline __m256i sixteen_words(const uint16_t* levels, __m256i flip) {
  return _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(levels)), flip);
}
inline __m256i sixteen_words(const int16_t* values) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
}
inline __m256i flip_of(int bias) { return _mm256_set1_epi16(static_cast<int16_t>(bias)); }

/// Pairs of channels 0 to 3 and 8 to 11, and of 4 to 7 and 12 to 15: as interleaving leaves them.
struct ChannelPairs {
  __m256i low, high;
};
inline ChannelPairs interleave(__m256i first, __m256i second) {
  return {_mm256_unpacklo_epi16(first, second), _mm256_unpackhi_epi16(first, second)};
}

/// int32 sums of sixteen channels, in that order.
struct ChannelSums {
  __m256i low, high;

  void add(const ChannelPairs& a, const ChannelPairs& b) {
    low = _mm256_add_epi32(low, _mm256_madd_epi16(a.low, b.low));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(a.high, b.high));
  }
};
inline ChannelSums load_sums(const int32_t* from) {
  const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 8));
  return {_mm256_permute2x128_si256(first, second, 0x20), _mm256_permute2x128_si256(first, second, 0x31)};
}
inline void store_sums(const ChannelSums& sums, int32_t* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute2x128_si256(sums.low, sums.high, 0x20));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 8), _mm256_permute2x128_si256(sums.low, sums.high, 0x31));
}

/// Sixteen channels from c on. `kPairs`: of taps, where they are known, so that the loop over them is unrolled; else 0.
template <int kPairs, typename Level>
void window_vectors(const WindowTask<Level, int16_t>& task, int64_t begin, int64_t end, int64_t c) {
  const int pairs = kPairs > 0 ? kPairs : (task.taps + 1) / 2;
  const __m256i flip = flip_of(task.bias);
  ChannelPairs weights[kMaxTaps / 2];
  const Level* first[kMaxTaps / 2];
  const Level* second[kMaxTaps / 2];
  for (int i = 0; i < pairs; ++i) {
    const bool whole = 2 * i + 1 < task.taps;  // an odd tap is paired with a weight of 0
    const int16_t* const at = task.weights + 2 * i * task.channels + c;
    weights[i] = interleave(sixteen_words(at), whole ? sixteen_words(at + task.channels) : _mm256_setzero_si256());
    first[i] = task.lhs + task.offsets[2 * i] + c;
    second[i] = task.lhs + task.offsets[2 * i + (whole ? 1 : 0)] + c;
  }
  for (int64_t p = begin; p < end; ++p) {
    ChannelSums sum{_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 5
    for (int i = 0; i < pairs; ++i)
      sum.add(interleave(sixteen_words(first[i] + p * task.step, flip), sixteen_words(second[i] + p * task.step, flip)),
              weights[i]);
    int32_t sums[kChannels];
    store_sums(sum, sums);
    scale_row<int32_t>(sums, task.corrections + c, task.scales + c, kChannels, task.out + p * task.out_step + c);
  }
}

/// `kTaps` taps from `tap` on, sixteen channels from c on.
template <int kTaps, typename Level>
void tap_block(const TapTask<Level, int16_t, int32_t>& task, int tap, int64_t c) {
  const __m256i flip = flip_of(task.bias);
  const Level* lhs[kTaps];
  ChannelSums sums[kTaps];
  for (int t = 0; t < kTaps; ++t) {
    lhs[t] = task.lhs + task.offsets[tap + t] + c;
    sums[t] = load_sums(task.sums + (tap + t) * task.sum_step + c);
  }
  const int16_t* rhs = task.rhs + c;
  for (int64_t p = 0; p < task.pixels; p += 2, rhs += 2 * task.rhs_step) {
    const bool whole = p + 1 < task.pixels;  // an odd pixel is paired with a difference of 0
    const ChannelPairs right =
        interleave(sixteen_words(rhs), whole ? sixteen_words(rhs + task.rhs_step) : _mm256_setzero_si256());
    const int64_t at = p * task.step, next = whole ? at + task.step : at;
#pragma GCC unroll 4
    for (int t = 0; t < kTaps; ++t)
      sums[t].add(interleave(sixteen_words(lhs[t] + at, flip), sixteen_words(lhs[t] + next, flip)), right);
  }
  for (int t = 0; t < kTaps; ++t) store_sums(sums[t], task.sums + (tap + t) * task.sum_step + c);
}

template <typename Level>
void tap_blocks(const TapTask<Level, int16_t, int32_t>& task, int64_t c) {
  int t = 0;
  for (; t + 3 <= task.taps; t += 3) tap_block<3>(task, t, c);
  for (; t < task.taps; ++t) tap_block<1>(task, t, c);
}
#endif

template <typename Level>
void window_levels(const WindowTask<Level, int16_t>& task) {
  int64_t whole = 0;
#if defined(__AVX2__)
  whole = task.channels / kChannels * kChannels;
  const auto block = task.taps == 9 ? window_vectors<5, Level> : window_vectors<0, Level>;
  for_pixels(task.pixels, 8, [&](int64_t begin, int64_t end) {
    for (int64_t c = 0; c < whole; c += kChannels) block(task, begin, end, c);
  });
#endif
  window_channels(task, whole);
}

template <typename Level>
void tap_levels(const TapTask<Level, int16_t, int32_t>& task) {
  int64_t c = 0;
#if defined(__AVX2__)
  for (; c + kChannels <= task.channels; c += kChannels) tap_blocks(task, c);
#endif
  tap_channels(task, c);
}

/// kChannels, known to the compiler: sums of that many channels stay in registers.
struct WholeVector {
  constexpr operator int64_t() const { return kChannels; }
};

template <typename Width>
inline void window_floats(const WindowTask<float, float>& task, int64_t begin, int64_t end, int64_t c, Width width) {
  for (int64_t p = begin; p < end; ++p) {
    float sum[kChannels] = {};
    for (int t = 0; t < task.taps; ++t) {
      const float* const lhs = task.lhs + p * task.step + task.offsets[t] + c;
      const float* const weights = task.weights + t * task.channels + c;
      for (int64_t i = 0; i < width; ++i) sum[i] = __builtin_fmaf(lhs[i], weights[i], sum[i]);
    }
    for (int64_t i = 0; i < width; ++i) task.out[p * task.out_step + c + i] = sum[i];
  }
}

void window_f32(const WindowTask<float, float>& task) {
  for_pixels(task.pixels, 4, [&](int64_t begin, int64_t end) {
    int64_t c = 0;
    for (; c + kChannels <= task.channels; c += kChannels) window_floats(task, begin, end, c, WholeVector());
    if (c < task.channels) window_floats(task, begin, end, c, task.channels - c);
  });
}

/// `kTaps` taps from `tap` on: as many chains side by side as hide the time of an addition.
template <int kTaps, typename Width>
inline void tap_floats(const TapTask<float, float, float>& task, int tap, int64_t c, Width width) {
  float sums[kTaps][kChannels] = {};
  for (int t = 0; t < kTaps; ++t)
    for (int64_t i = 0; i < width; ++i) sums[t][i] = task.sums[(tap + t) * task.sum_step + c + i];
  for (int64_t p = 0; p < task.pixels; ++p) {
    const float* const rhs = task.rhs + p * task.rhs_step + c;
#pragma GCC unroll 4
    for (int t = 0; t < kTaps; ++t) {
      const float* const lhs = task.lhs + p * task.step + task.offsets[tap + t] + c;
      for (int64_t i = 0; i < width; ++i) sums[t][i] = __builtin_fmaf(lhs[i], rhs[i], sums[t][i]);
    }
  }
  for (int t = 0; t < kTaps; ++t)
    for (int64_t i = 0; i < width; ++i) task.sums[(tap + t) * task.sum_step + c + i] = sums[t][i];
}

template <typename Width>
inline void all_tap_floats(const TapTask<float, float, float>& task, int64_t c, Width width) {
  int t = 0;
  for (; t + 3 <= task.taps; t += 3) tap_floats<3>(task, t, c, width);
  for (; t < task.taps; ++t) tap_floats<1>(task, t, c, width);
}

void taps_f32(const TapTask<float, float, float>& task) {
  int64_t c = 0;
  for (; c + kChannels <= task.channels; c += kChannels) all_tap_floats(task, c, WholeVector());
  if (c < task.channels) all_tap_floats(task, c, task.channels - c);
}

template <typename Level>
void differences(const DifferenceTask<Level>& task) {
  for (int64_t p = 0; p < task.pixels; ++p) {
    const Level* __restrict levels = task.levels + p * task.step;
    const uint16_t* __restrict zeros = task.zeros;
    int16_t* __restrict out = task.out + p * task.channels;
    int32_t* __restrict sums = task.sums;
    for (int64_t c = 0; c < task.channels; ++c) {
      const int16_t difference = static_cast<int16_t>(levels[c] - zeros[c]);
      out[c] = difference;
      sums[c] += difference;
    }
  }
}

constexpr DepthwiseKernels kDepthwiseKernels{
    .window_f32 = window_f32,
    .window_bytes = window_levels<uint8_t>,
    .window_words = window_levels<uint16_t>,
    .taps_f32 = taps_f32,
    .taps_bytes = tap_levels<uint8_t>,
    .taps_words = tap_levels<uint16_t>,
    .differences_bytes = differences<uint8_t>,
    .differences_words = differences<uint16_t>,
};
