#include "bench/peak.h"

#include <algorithm>
#include <vector>

#include "bench/clock.h"
#include "engine/kernels/table.h"

namespace fqt::bench {
namespace {

constexpr int64_t kGroups = 128;  ///< both operands of a tile fit the first-level cache
constexpr int kDeepest = 16;      ///< groups; what is in operands allows fewer more often than not
constexpr int kBlocks = 20;
constexpr double kBlockSeconds = 0.01;

/// The best of several blocks of calls.
template <typename Lhs, typename Rhs, typename Sum>
double measure(kernels::TileFn<Lhs, Rhs, Sum> tile, int depth) {
  const int rows = kernels::active().gemm.rows;
  constexpr int kStep = kernels::kGroup<Rhs>;
  const std::vector<Lhs> lhs(static_cast<size_t>(rows * kGroups * kStep + 64), Lhs{1});
  const std::vector<Rhs> panel(static_cast<size_t>(kGroups * kernels::kPanelColumns * kStep + 64), Rhs{1});
  std::vector<Sum> sums(static_cast<size_t>(rows * kernels::kPanelColumns));
  std::vector<int32_t> starts;
  for (int r = 0; r < rows; ++r) starts.push_back(static_cast<int32_t>(r * kGroups * kStep));
  const int32_t segment = 0;
  const kernels::TileTask<Lhs, Rhs, Sum> task{lhs.data(),
                                              starts.data(),
                                              &segment,
                                              1,
                                              kGroups,
                                              kStep,
                                              panel.data(),
                                              1,
                                              0,
                                              sums.data(),
                                              kernels::kPanelColumns,
                                              rows * kernels::kPanelColumns,
                                              true,
                                              depth};
  const double operations = 2.0 * rows * kernels::kPanelColumns * static_cast<double>(kGroups * kStep);
  double best = 0;
  for (int block = 0; block < kBlocks; ++block) {
    int64_t calls = 0;
    const double start = now();
    double spent = 0;
    for (; spent < kBlockSeconds; spent = now() - start) {
      for (int i = 0; i < 256; ++i) tile(task);
      calls += 256;
    }
    best = std::max(best, operations * static_cast<double>(calls) / spent * 1e-9);
  }
  return best;
}

}  // namespace

double peak_gops(int bits) {
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  if (bits > 16) return measure(gemm.tile_f32, 1);
  const int level = (1 << bits) - 1;
  const int depth = gemm.pair_sum_limit == 0 ? 1 : gemm.pair_sum_limit / (2 * level * level);
  if (bits > 8 || depth == 0) return measure(gemm.tile_s16, 1);
  return measure(gemm.tile_u8s8, kDeepest);
}

}  // namespace fqt::bench
