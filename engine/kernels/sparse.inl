// Included by every instruction set, inside its namespace.

#if defined(__AVX2__)

/// kPanels panels side by side.
template <int kPanels>
inline void sparse_panels(const SparseTask& task, int64_t first) {
  const __m256i ones = _mm256_set1_epi16(1);
  const int8_t* const panel = task.panel + first * task.panel_stride;
  __m256i acc[kPanels][2];
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) acc[p][0] = acc[p][1] = _mm256_setzero_si256();
  for (int64_t i = 0; i < task.count; ++i) {
    int32_t word;
    __builtin_memcpy(&word, task.lhs + 4 * i, sizeof word);
    // maddubs wants an unsigned operand: |a| times b with the sign of a. Two of 127 * 127 fit int16.
    const __m256i values = _mm256_set1_epi32(word), sizes = _mm256_abs_epi8(values);
    const int8_t* const group = panel + int64_t{task.groups[i]} * 64;
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        const auto* at = reinterpret_cast<const __m256i*>(group + p * task.panel_stride + h * 32);
        const __m256i pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(_mm256_loadu_si256(at), values));
        acc[p][h] = _mm256_add_epi32(acc[p][h], _mm256_madd_epi16(pairs, ones));
      }
  }
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(task.sums + (first + p) * task.sum_panel + h * 8), acc[p][h]);
}

inline void sparse_row(const SparseTask& task) {
  int64_t p = 0;
  for (; p + 2 <= task.panel_count; p += 2) sparse_panels<2>(task, p);
  for (; p < task.panel_count; ++p) sparse_panels<1>(task, p);
}

#else

inline void sparse_row(const SparseTask& task) {
  constexpr int kTerms = kGroup<int8_t>;
  for (int64_t p = 0; p < task.panel_count; ++p)
    for (int c = 0; c < kPanelColumns; ++c) {
      int32_t sum = 0;
      for (int64_t i = 0; i < task.count; ++i)
        for (int t = 0; t < kTerms; ++t)
          sum += task.lhs[kTerms * i + t] *
                 task.panel[p * task.panel_stride + (int64_t{task.groups[i]} * kPanelColumns + c) * kTerms + t];
      task.sums[p * task.sum_panel + c] = sum;
    }
}

#endif

constexpr SparseKernels kSparseKernels{sparse_row};
