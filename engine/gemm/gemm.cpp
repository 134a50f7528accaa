#include "engine/gemm/gemm.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/gemm/columns.h"
#include "engine/gemm/panels.h"
#include "engine/gemm/walk.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

constexpr int kBias = 32768;  ///< what kernels.center takes off
constexpr int64_t kAllTerms = std::numeric_limits<int64_t>::max();

/// Words whose levels do not fit int16 are multiplied less a bias.
int bias(const Levels& lhs) { return lhs.max_level > std::numeric_limits<int16_t>::max() ? kBias : 0; }

OperandBounds bounds(const Levels& lhs, const Levels& rhs, std::span<const uint16_t> zeros) {
  const auto [low, high] = std::minmax_element(zeros.begin(), zeros.end());
  const int64_t offset = bias(lhs);
  // The correction takes off (zero - bias) * sum of the column: its factor counts like a difference.
  const int64_t factor = lhs.zero - offset;
  return {{-offset, lhs.max_level - offset},
          {std::min<int64_t>(-lhs.zero, factor), std::max<int64_t>(lhs.max_level - lhs.zero, factor)},
          {-int64_t{*high}, int64_t{rhs.max_level} - *low}};
}

/// How many neighbouring pair sums of the narrow path fit the pair limit; 0 where the operands need the wide path.
int narrow_depth(const OperandBounds& bounds) {
  if (!bounds.rhs.within(std::numeric_limits<int8_t>::min(), std::numeric_limits<int8_t>::max())) return 0;
  const int limit = kernels::active().gemm.pair_sum_limit;
  if (limit == 0) return 1;
  return static_cast<int>(limit / std::max<int64_t>(1, 2 * bounds.lhs.magnitude() * bounds.rhs.magnitude()));
}

/// Walks an integer product and hands finished tiles to visit(strip, corrections of its columns), in int32 where the
/// accumulator is that, else in int64. A sum of differences is the tile's sum less the correction.
template <typename Source, typename Rhs, typename Visit, typename Lhs = typename Source::Lhs>
void integer_strips(const GatherProduct& product, const Source& lhs, const Panels<Rhs>& panels,
                    kernels::TileFn<Lhs, Rhs, int32_t> tile, int depth, int64_t zero, const Accumulator& accumulator,
                    const Visit& visit) {
  std::vector<int64_t> corrections(panels.column_sums);
  for (int64_t& correction : corrections) correction *= zero;
  if (accumulator.kind == Accumulator::Kind::int32) {
    const std::vector<int32_t> small(corrections.begin(), corrections.end());
    const auto finish = [&](const Strip<int32_t>& done) { visit(done, small.data() + done.column); };
    Walk(product.lhs, panels, lhs, Direct<Lhs, Rhs, int32_t>{tile}, depth, kAllTerms, finish).run();
    return;
  }
  const auto finish = [&](const Strip<int64_t>& done) { visit(done, corrections.data() + done.column); };
  Walk(product.lhs, panels, lhs, Spilling<Lhs, Rhs>{tile, panels.planes, panels.panel_size()}, depth,
       accumulator.run_terms / kGroup<Rhs>, finish)
      .run();
}

/// Calls body(source of the left operand as int16).
template <typename Left, typename Body>
void with_words(const Left* left, const LhsGather& gather, int bias, const Body& body) {
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  if constexpr (std::is_same_v<Left, uint8_t>) {
    if (gather.term_stride == 1) return body(Widened(left, gather, gemm.widen));
    body(PackedTerms(left, gather, gemm.pack.widened));
  } else {
    if (gather.term_stride == 1 && bias == 0)
      return body(InPlace(reinterpret_cast<const int16_t*>(left), gather));  // the same bits where they fit
    if (gather.term_stride == 1) return body(Widened(left, gather, gemm.center));
    body(PackedTerms(left, gather, bias == 0 ? gemm.pack.words : gemm.pack.centered, bias));
  }
}

/// Chooses the kernel, bytes where they fit, else int16, and runs it.
template <typename Left, typename Right, typename Visit>
void integer_strips(const GatherProduct& product, const Left* left, const Right* right, const Levels& lhs,
                    const Levels& rhs, const Visit& visit) {
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const OperandBounds bound = bounds(lhs, rhs, zeros);
  const Accumulator accumulator = product_accumulator(product, lhs, rhs);
  if constexpr (std::is_same_v<Left, uint8_t> && std::is_same_v<Right, uint8_t>)
    if (const int depth = narrow_depth(bound); depth > 0) {
      const Panels<int8_t> panels = pack_levels<int8_t>(right, product.rhs, zeros);
      const auto bytes = [&](const auto& source) {
        integer_strips(product, source, panels, gemm.tile_u8s8, depth, lhs.zero, accumulator, visit);
      };
      if (product.lhs.term_stride == 1) return bytes(InPlace(left, product.lhs));
      return bytes(PackedTerms(left, product.lhs, gemm.pack.bytes));
    }
  Panels<int16_t> panels;
  if constexpr (std::is_same_v<Right, uint16_t>)
    if (accumulator.kind == Accumulator::Kind::split) panels = pack_split(right, product.rhs, zeros);
  if (panels.data.empty()) panels = pack_levels<int16_t>(right, product.rhs, zeros);
  with_words(left, product.lhs, bias(lhs), [&](const auto& source) {
    integer_strips(product, source, panels, gemm.tile_s16, 1, lhs.zero - bias(lhs), accumulator, visit);
  });
}

template <typename Visit>
void integer_strips(const GatherProduct& product, const Levels& lhs, const Levels& rhs, const Visit& visit) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  std::visit([&](auto left, auto right) { integer_strips(product, left, right, lhs, rhs, visit); }, lhs.data, rhs.data);
}

}  // namespace

Accumulator product_accumulator(const GatherProduct& product, const Levels& lhs, const Levels& rhs) {
  // What fills up a group or a pixel of lhs meets a zero of rhs: the sums have product.terms terms and no more.
  return plan_accumulator(bounds(lhs, rhs, product_zeros(product, rhs)), product.terms);
}

void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums) {
  integer_strips(product, lhs, rhs, [&](const auto& strip, const auto* corrections) {
    for (int64_t r = 0; r < strip.rows; ++r)
      for (int64_t n = 0; n < strip.columns; ++n)
        sums[static_cast<size_t>((strip.row + r) * product.rhs.columns + strip.column + n)] =
            strip.sums[n / kPanelColumns * strip.sum_panel + r * kPanelColumns + n % kPanelColumns] - corrections[n];
  });
}

void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                     float* out) {
  const std::vector<double> column_scales = product_scales(product, scales);
  const bool plain = product.out_rows.empty();
  const auto write = [&](const auto& strip, const auto* corrections, auto scale) {
    scale({strip.sums, strip.sum_panel, strip.rows, strip.columns, corrections, column_scales.data() + strip.column,
           out + (plain ? strip.row * product.out_stride : 0) + product.first_column + strip.column,
           plain ? nullptr : product.out_rows.data() + strip.row, product.out_stride});
  };
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  integer_strips(product, lhs, rhs, [&](const auto& strip, const auto* corrections) {
    if constexpr (std::is_same_v<decltype(strip.sums), const int32_t*>)
      write(strip, corrections, gemm.scale_tiles);
    else
      write(strip, corrections, gemm.scale_tiles_wide);
  });
}

void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  const Panels<float> panels = pack_float(rhs, product.rhs);
  const Direct<float, float, float> add{gemm.tile_f32};
  const auto write = [&](const Strip<float>& strip) {
    for (int64_t r = 0; r < strip.rows; ++r) {
      float* to = out + product.out_offset(strip.row + r) + strip.column;
      for (int64_t n = 0; n < strip.columns; n += kPanelColumns)
        std::copy_n(strip.sums + n / kPanelColumns * strip.sum_panel + r * kPanelColumns,
                    std::min<int64_t>(kPanelColumns, strip.columns - n), to + n);
    }
  };
  if (product.lhs.term_stride == 1)
    Walk(product.lhs, panels, InPlace(lhs, product.lhs), add, 1, kAllTerms, write).run();
  else
    Walk(product.lhs, panels, PackedTerms(lhs, product.lhs, gemm.pack.floats), add, 1, kAllTerms, write).run();
}

}  // namespace fqt::gemm
