#include "engine/kernels/gemm_common.inl"

// The specification of every tile: TileFn's formula, term by term.

constexpr int kRows = 4;

float accumulate(float sum, float a, float b) { return __builtin_fmaf(a, b, sum); }
int32_t accumulate(int32_t sum, int32_t a, int32_t b) { return sum + a * b; }

template <typename Lhs, typename Rhs, typename Sum>
void tile(const TileTask<Lhs, Rhs, Sum>& task) {
  for (int64_t p = 0; p < task.panel_count; ++p)
    for (int r = 0; r < kRows; ++r)
      for (int c = 0; c < kPanelColumns; ++c) {
        Sum* sum = task.sums + p * task.sum_panel + r * task.sum_row + c;
        const Rhs* b = task.panel + p * task.panel_stride + c * kGroup<Rhs>;
        Sum total = task.fresh ? Sum{} : *sum;
        for (int64_t s = 0; s < task.segment_count; ++s)
          for (int64_t g = 0; g < task.groups; ++g, b += kPanelColumns * kGroup<Rhs>)
            for (int t = 0; t < kGroup<Rhs>; ++t) {
              const Lhs a = task.lhs[task.rows[r] + task.segments[s] + g * task.step + t];
              total = accumulate(total, static_cast<Sum>(a), static_cast<Sum>(b[t]));
            }
        *sum = total;
      }
}

template <int kBias, typename Level, typename Lhs>
void pack_terms(const PackTask<Level, Lhs>& task) {
  for (int64_t t = 0; t < task.tiles; ++t)
    for (int64_t g = 0; g < task.groups; ++g)
      for (int r = 0; r < kRows; ++r)
        for (int i = 0; i < kGroup<Lhs>; ++i)
          task.out[t * task.tile_stride + (g * kRows + r) * kGroup<Lhs> + i] = static_cast<Lhs>(
              task.source[(g * kGroup<Lhs> + i) * task.term_stride + t * kRows + r] - static_cast<Level>(kBias));
}

constexpr PackKernels kPackKernels{pack_terms<0>, pack_terms<0>, pack_terms<0>, pack_terms<0>, pack_terms<32768>};

constexpr GemmKernels kGemmKernels{kRows,
                                   0,
                                   nullptr,
                                   tile<float, float, float>,
                                   tile<uint8_t, int8_t, int32_t>,
                                   nullptr,
                                   tile<int16_t, int16_t, int32_t>,
                                   scale_tiles<int32_t>,
                                   scale_tiles<int64_t>,
                                   add_wide,
                                   widen,
                                   center,
                                   kPackKernels};
