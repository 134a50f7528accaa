#include "engine/gemm/gemm.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/gemm/bounds.h"
#include "engine/gemm/columns.h"
#include "engine/gemm/panels.h"
#include "engine/gemm/scaled_writer.h"
#include "engine/gemm/sparse.h"
#include "engine/gemm/walk.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

constexpr int64_t kAllTerms = std::numeric_limits<int64_t>::max();
constexpr int kDeepEnough = 16;  ///< a few percent more are not worth looking into the panels
/// With fewer rows, looking into the panels costs more than it saves, where depth is 1 and where it is more than that.
constexpr int64_t kFewRows = 48, kSomeRows = 160;

/// How many neighbouring pair sums of the narrow path fit the pair limit; 0 where the operands need the wide path.
int narrow_depth(const OperandBounds& bounds) {
  if (!bounds.rhs.within(std::numeric_limits<int8_t>::min(), std::numeric_limits<int8_t>::max())) return 0;
  const int limit = kernels::active().gemm.pair_sum_limit;
  if (limit == 0) return 1;
  return static_cast<int>(limit / std::max<int64_t>(1, 2 * bounds.lhs.magnitude() * bounds.rhs.magnitude()));
}

/// An output for Walk that is handed the corrections of a strip's columns along with its sums.
template <typename Sum, typename Output>
struct Corrected {
  const Output& output;
  const Sum* corrections;

  void write(const Strip<Sum>& strip) const { output.write(strip, corrections + strip.column); }
  template <typename Task>
  bool finish(const Task& task, const Strip<Sum>& strip) const requires requires {
    output.finish(task, strip, corrections);
  }
  { return output.finish(task, strip, corrections + strip.column); }
};

/// Walks an integer product and hands finished tiles to output.write(strip, corrections of its columns), in int32 where
/// the accumulator is that, else in int64. A sum of differences is the tile's sum less the correction.
template <typename Source, typename Rhs, typename Output, typename Lhs = typename Source::Lhs>
void integer_strips(const GatherProduct& product, const Source& lhs, const Panels<Rhs>& panels,
                    kernels::TileFn<Lhs, Rhs, int32_t> tile, int depth, int64_t zero, const Accumulator& accumulator,
                    const Output& output) {
  std::vector<int64_t> corrections(panels.column_sums);
  for (int64_t& correction : corrections) correction *= zero;
  if (accumulator.kind == Accumulator::Kind::int32) {
    const std::vector<int32_t> small(corrections.begin(), corrections.end());
    const Corrected<int32_t, Output> corrected{output, small.data()};
    Walk(product.lhs, panels, lhs, Direct<Lhs, Rhs, int32_t>{tile}, depth, kAllTerms, corrected).run();
    return;
  }
  const Corrected<int64_t, Output> corrected{output, corrections.data()};
  Walk(product.lhs, panels, lhs, Spilling<Lhs, Rhs>{tile, panels.planes, panels.panel_size()}, depth,
       accumulator.run_terms / kGroup<Rhs>, corrected)
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

/// Packed anew, or as it is kept.
template <typename T, typename Make>
Panels<T> kept(PanelMemo* memo, const GatherProduct& product, int planes, int lhs_max, const Make& make) {
  return memo ? memo->get<T>(product.rhs, planes, lhs_max, make) : make();
}

/// The right operand of a product of bytes that can be added up `depth` groups deep by the magnitudes of its operands
/// alone. Where that is little, what is in the panels allows more.
Panels<int8_t> byte_panels(const GatherProduct& product, const uint8_t* right, const Levels& lhs, const Levels& rhs,
                           std::span<const uint16_t> zeros, int depth) {
  const bool worth_it = depth < kDeepEnough && (rhs.panels || product.rows() >= (depth == 1 ? kFewRows : kSomeRows));
  const int lhs_max = kernels::active().gemm.panel_depth && worth_it ? lhs.max_level : 0;
  return kept<int8_t>(rhs.panels, product, 1, lhs_max, [&] {
    Panels<int8_t> packed = pack_levels<int8_t>(right, product.rhs, zeros);
    return lhs_max > 0 ? with_depths(std::move(packed), lhs_max) : packed;
  });
}

/// Chooses the kernel, bytes where they fit, else int16, and runs it.
template <typename Left, typename Right, typename Output>
void integer_strips(const GatherProduct& product, const Left* left, const Right* right, const Levels& lhs,
                    const Levels& rhs, const Output& output) {
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const OperandBounds bound = operand_bounds(lhs, rhs, zeros);
  const Accumulator accumulator = product_accumulator(product, lhs, rhs);
  if constexpr (std::is_same_v<Left, uint8_t> && std::is_same_v<Right, uint8_t>)
    if (const int depth = narrow_depth(bound); depth > 0) {
      const Panels<int8_t> panels = byte_panels(product, right, lhs, rhs, zeros, depth);
      const auto bytes = [&](const auto& source) {
        integer_strips(product, source, panels, gemm.tile_u8s8, depth, lhs.zero, accumulator, output);
      };
      if (product.lhs.term_stride == 1) return bytes(InPlace(left, product.lhs));
      return bytes(PackedTerms(left, product.lhs, gemm.pack.bytes));
    }
  Panels<int16_t> panels;
  if constexpr (std::is_same_v<Right, uint16_t>)
    if (accumulator.kind == Accumulator::Kind::split)
      panels = kept<int16_t>(rhs.panels, product, 2, 0, [&] { return pack_split(right, product.rhs, zeros); });
  if (panels.data.empty())
    panels = kept<int16_t>(rhs.panels, product, 1, 0, [&] { return pack_levels<int16_t>(right, product.rhs, zeros); });
  with_words(left, product.lhs, level_bias(lhs), [&](const auto& source) {
    integer_strips(product, source, panels, gemm.tile_s16, 1, lhs.zero - level_bias(lhs), accumulator, output);
  });
}

template <typename Output>
void integer_strips(const GatherProduct& product, const Levels& lhs, const Levels& rhs, const Output& output) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  std::visit([&](auto left, auto right) { integer_strips(product, left, right, lhs, rhs, output); }, lhs.data,
             rhs.data);
}

/// integer_sums's output.
struct SumWriter {
  const GatherProduct& product;
  std::span<int64_t> sums;

  template <typename Sum>
  void write(const Strip<Sum>& strip, const Sum* corrections) const {
    for (int64_t r = 0; r < strip.rows; ++r)
      for (int64_t n = 0; n < strip.columns; ++n)
        sums[static_cast<size_t>((strip.row + r) * product.rhs.columns + strip.column + n)] =
            strip.sums[n / kPanelColumns * strip.sum_panel + r * kPanelColumns + n % kPanelColumns] - corrections[n];
  }
};

/// float_product's output.
struct FloatWriter : FloatTarget {
  /// Where rows lie at a fixed distance, tiles are added up in the result itself.
  bool place(kernels::TileTask<float, float, float>& task, const Strip<float>& strip) const {
    if (!product.out_rows.empty()) return false;
    task.sums = at(strip.row, strip.column);
    task.sum_row = product.out_stride;
    task.sum_panel = kPanelColumns;
    return true;
  }
  void write(const Strip<float>& strip) const {
    for (int64_t r = 0; r < strip.rows; ++r) {
      float* to = at(strip.row + r, strip.column);
      for (int64_t n = 0; n < strip.columns; n += kPanelColumns)
        std::copy_n(strip.sums + n / kPanelColumns * strip.sum_panel + r * kPanelColumns,
                    std::min<int64_t>(kPanelColumns, strip.columns - n), to + n);
    }
  }
};

/// A product of bytes with int32 sums, as it is walked beside others.
struct ByteProduct {
  using Source = PackedTerms<uint8_t, uint8_t>;
  using Output = Corrected<int32_t, ScaledWriter>;
  using Walk = gemm::Walk<int8_t, Source, Direct<uint8_t, int8_t, int32_t>, Output>;

  Panels<int8_t> panels;
  int depth;
  std::vector<int32_t> corrections;
  std::vector<double> scales;
  Source source;
};

/// Nothing where the operands do not fit.
std::optional<ByteProduct> byte_product(const GatherProduct& product, const ProductOperands& operands) {
  const auto& [lhs, rhs, scales] = operands;
  const auto *left = std::get_if<const uint8_t*>(&lhs.data), *right = std::get_if<const uint8_t*>(&rhs.data);
  if (!left || !right || product.lhs.term_stride == 1) return {};
  const std::vector<uint16_t> zeros = product_zeros(product, rhs);
  const int depth = narrow_depth(operand_bounds(lhs, rhs, zeros));
  if (depth == 0 || product_accumulator(product, lhs, rhs).kind != Accumulator::Kind::int32) return {};
  ByteProduct result{byte_panels(product, *right, lhs, rhs, zeros, depth),
                     depth,
                     {},
                     product_scales(product, scales),
                     PackedTerms(*left, product.lhs, kernels::active().gemm.pack.bytes)};
  for (const int64_t sum : result.panels.column_sums)
    result.corrections.push_back(static_cast<int32_t>(sum * lhs.zero));
  return result;
}

/// add_integer_products block by block. Returns false, and does nothing, where the operands do not fit.
bool add_byte_products(const GatherProduct& product, std::span<const ProductOperands> operands, float* out, bool add) {
  std::vector<ByteProduct> parts;
  for (const ProductOperands& one : operands) {
    std::optional<ByteProduct> part = byte_product(product, one);
    if (!part) return false;
    parts.push_back(std::move(*part));
  }
  const Direct<uint8_t, int8_t, int32_t> tile{kernels::active().gemm.tile_u8s8};
  std::vector<ScaledWriter> writers;
  for (const ByteProduct& part : parts)
    writers.push_back({{product, out}, part.scales.data(), add || !writers.empty(), true});
  std::vector<ByteProduct::Output> outputs;
  for (size_t i = 0; i < parts.size(); ++i) outputs.push_back({writers[i], parts[i].corrections.data()});
  std::vector<ByteProduct::Walk> walks;
  for (size_t i = 0; i < parts.size(); ++i)
    walks.emplace_back(product.lhs, parts[i].panels, parts[i].source, tile, parts[i].depth, kAllTerms, outputs[i]);
  ByteProduct::Walk::run_all(walks);
  return true;
}

void one_product(const GatherProduct& product, const ProductOperands& operands, float* out, bool add) {
  const auto& [lhs, rhs, scales] = operands;
  if (sparse_product(product, lhs, rhs, scales, out, add)) return;
  const std::vector<double> column_scales = product_scales(product, scales);
  integer_strips(product, lhs, rhs, ScaledWriter{{product, out}, column_scales.data(), add});
}

}  // namespace

Accumulator product_accumulator(const GatherProduct& product, const Levels& lhs, const Levels& rhs) {
  // What fills up a group or a pixel of lhs meets a zero of rhs: the sums have product.terms terms and no more.
  return plan_accumulator(operand_bounds(lhs, rhs, product_zeros(product, rhs)), product.terms);
}

void integer_sums(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<int64_t> sums) {
  integer_strips(product, lhs, rhs, SumWriter{product, sums});
}

void integer_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                     float* out) {
  one_product(product, {lhs, rhs, scales}, out, false);
}

void add_integer_products(const GatherProduct& product, std::span<const ProductOperands> operands, float* out,
                          bool add) {
  if (operands.empty() || product.lhs.rows.empty() || product.rhs.columns == 0) return;
  if (add_byte_products(product, operands, out, add)) return;
  for (const ProductOperands& one : operands) one_product(product, one, out, std::exchange(add, true));
}

void float_product(const GatherProduct& product, const float* lhs, const float* rhs, float* out, PanelMemo* memo) {
  if (product.lhs.rows.empty() || product.rhs.columns == 0) return;
  const kernels::GemmKernels& gemm = kernels::active().gemm;
  const Panels<float> panels = kept<float>(memo, product, 1, 0, [&] { return pack_float(rhs, product.rhs); });
  const Direct<float, float, float> add{gemm.tile_f32};
  const FloatWriter writer{{product, out}};
  if (product.lhs.term_stride == 1)
    Walk(product.lhs, panels, InPlace(lhs, product.lhs), add, 1, kAllTerms, writer).run();
  else
    Walk(product.lhs, panels, PackedTerms(lhs, product.lhs, gemm.pack.floats), add, 1, kAllTerms, writer).run();
}

}  // namespace fqt::gemm
