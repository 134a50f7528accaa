// Included by the tiles of x86's instruction sets behind their kRows. Eight rows at a time: what is written past the
// last row of a tile is overwritten by the tile's next group. Groups outside: the source is read as it lies in memory.

inline __m128i load64(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
inline __m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void store128(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

/// Eight rows of one group, from source to out.
struct PackFloats {
  static constexpr int kTerms = 1;
  void operator()(const float* source, int64_t /*term_stride*/, float* out) const {
    store128(out, load128(source));
    store128(out + 4, load128(source + 4));
  }
};

struct PackBytes {
  static constexpr int kTerms = 4;
  void operator()(const uint8_t* source, int64_t term_stride, uint8_t* out) const {
    const __m128i first = _mm_unpacklo_epi8(load64(source), load64(source + term_stride));
    const __m128i second = _mm_unpacklo_epi8(load64(source + 2 * term_stride), load64(source + 3 * term_stride));
    store128(out, _mm_unpacklo_epi16(first, second));
    store128(out + 16, _mm_unpackhi_epi16(first, second));
  }
};

struct PackWidened {
  static constexpr int kTerms = 2;
  void operator()(const uint8_t* source, int64_t term_stride, int16_t* out) const {
    const __m128i pairs = _mm_unpacklo_epi8(load64(source), load64(source + term_stride));
    store128(out, _mm_unpacklo_epi8(pairs, _mm_setzero_si128()));
    store128(out + 8, _mm_unpackhi_epi8(pairs, _mm_setzero_si128()));
  }
};

/// `flip`: 0, or 0x8000, as level - 32768 is level ^ 0x8000 in int16.
template <int kFlip>
struct PackWords {
  static constexpr int kTerms = 2;
  void operator()(const uint16_t* source, int64_t term_stride, int16_t* out) const {
    const __m128i first = load128(source), second = load128(source + term_stride);
    const __m128i flip = _mm_set1_epi16(static_cast<int16_t>(kFlip));
    store128(out, _mm_xor_si128(_mm_unpacklo_epi16(first, second), flip));
    store128(out + 8, _mm_xor_si128(_mm_unpackhi_epi16(first, second), flip));
  }
};

template <typename Pack, typename Level, typename Lhs>
void pack_terms(const PackTask<Level, Lhs>& task) {
  constexpr int kTerms = Pack::kTerms;
  for (int64_t g = 0; g < task.groups; ++g) {
    const Level* source = task.source + g * kTerms * task.term_stride;
    Lhs* out = task.out + g * kTerms * kRows;
    for (int64_t t = 0; t < task.tiles; ++t, source += kRows, out += task.tile_stride)
      for (int r = 0; r < kRows; r += 8) Pack{}(source + r, task.term_stride, out + r * kTerms);
  }
}

constexpr PackKernels kPackKernels{pack_terms<PackFloats>, pack_terms<PackBytes>, pack_terms<PackWidened>,
                                   pack_terms<PackWords<0>>, pack_terms<PackWords<0x8000>>};
