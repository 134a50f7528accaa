#include "engine/kernels/gemm_common.inl"

// The specification of every tile: TileFn's formula, term by term.

constexpr int kRows = 4;

float accumulate(float sum, float a, float b) { return __builtin_fmaf(a, b, sum); }
int32_t accumulate(int32_t sum, int32_t a, int32_t b) { return sum + a * b; }

template <typename Lhs, typename Rhs, typename Sum>
void tile(const Lhs* lhs, const int32_t* rows, const int32_t* segments, int64_t segment_count, int64_t groups,
          const Rhs* panel, Sum* sums, int /*depth*/) {
  for (int64_t s = 0; s < segment_count; ++s)
    for (int64_t g = 0; g < groups; ++g, panel += kPanelColumns * kGroup<Rhs>)
      for (int r = 0; r < kRows; ++r)
        for (int c = 0; c < kPanelColumns; ++c)
          for (int t = 0; t < kGroup<Rhs>; ++t) {
            const Lhs a = lhs[rows[r] + segments[s] + g * kGroup<Rhs> + t];
            Sum& sum = sums[r * kPanelColumns + c];
            sum = accumulate(sum, static_cast<Sum>(a), static_cast<Sum>(panel[c * kGroup<Rhs> + t]));
          }
}

constexpr GemmKernels kGemmKernels{kRows,
                                   0,
                                   tile<float, float, float>,
                                   tile<uint8_t, int8_t, int32_t>,
                                   tile<int16_t, int16_t, int32_t>,
                                   scale_tile<int32_t>,
                                   scale_tile<int64_t>,
                                   add_wide,
                                   widen,
                                   center};
