#include "quant/operand.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/check.h"
#include "engine/gemm/planar.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

namespace fqt::quant {
namespace {

constexpr int64_t kRun = 4096;  ///< elements rounded at a time

void quantize(const kernels::QuantizeKernels& kernels, const float* x, int64_t count, const kernels::GridSpec& grid,
              const uint16_t* words, uint8_t* levels) {
  kernels.narrow(x, count, &grid, words, levels);
}
void quantize(const kernels::QuantizeKernels& kernels, const float* x, int64_t count, const kernels::GridSpec& grid,
              const uint16_t* words, uint16_t* levels) {
  kernels.wide(x, count, &grid, words, levels);
}

/// Rounds runs of elements that are contiguous in the tensor: the innermost step of encode.
class Rounder {
 public:
  Rounder(const OperandPrecision& precision, const Grid& grid, const Noise& noise)
      : kernels_(kernels::active().codes),
        spec_{grid.scale, grid.zero, grid.max_level},
        noise_(noise),
        rounding_(precision.rounding) {}

  /// values[0 .. count) are elements first ... of their tensor; count <= kRun.
  template <typename Level>
  void operator()(const float* values, int64_t first, int64_t count, Level* levels) const {
    const kernels::QuantizeKernels& round = kernels_.quantize[static_cast<int>(rounding_)];
    if (rounding_ != Rounding::stochastic) return quantize(round, values, count, spec_, nullptr, levels);
    if (noise_.words) return quantize(round, values, count, spec_, noise_.words->data() + first, levels);
    quantize_drawn(values, count, first, levels);
  }

 private:
  void quantize_drawn(const float* values, int64_t count, int64_t first, uint8_t* levels) const {
    kernels_.quantize_drawn.narrow(values, count, &spec_, stream(), static_cast<uint64_t>(first), levels);
  }
  void quantize_drawn(const float* values, int64_t count, int64_t first, uint16_t* levels) const {
    kernels_.quantize_drawn.wide(values, count, &spec_, stream(), static_cast<uint64_t>(first), levels);
  }
  kernels::NoiseStream stream() const { return {noise_.key.seed, noise_.key.stream}; }

  const kernels::CodeKernels& kernels_;
  kernels::GridSpec spec_;
  Noise noise_;
  Rounding rounding_;
};

/// Copies float elements: fp32 is the identity.
struct Copier {
  void operator()(const float* values, int64_t /*first*/, int64_t count, float* out) const {
    std::copy_n(values, count, out);
  }
};

/// Lays out a tensor's elements through `convert`, borders and fill as `empty`.
template <typename T, typename Convert>
Buffer<T> lay_out(const Tensor& values, const gemm::PaddedImage& layout, T empty, const Convert& convert) {
  Buffer<T> out(layout.size());
  if (out.empty()) return out;
  const int64_t channels = layout.channels, pixel = layout.pixel;
  const int64_t piece = std::max<int64_t>(1, kRun / channels);  // pixels at a time
  const int64_t pieces = (layout.width + piece - 1) / piece;
  const int64_t lines = layout.padded_height();
  parallel_for(layout.batch * lines * pieces, 8, [&](int64_t begin, int64_t end) {
    std::vector<T> run(static_cast<size_t>(pixel == channels ? 0 : piece * channels));
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t n = unit / pieces / lines, y = unit / pieces % lines - layout.top;
      const int64_t x = unit % pieces * piece, count = std::min(piece, layout.width - x);
      T* to = out.data() + layout.offset(n, y, x);
      if (x == 0) std::fill_n(to - layout.left * pixel, layout.left * pixel, empty);
      if (x + count == layout.width) std::fill_n(to + count * pixel, layout.right * pixel, empty);
      if (y < 0 || y >= layout.height) {
        std::fill_n(to, count * pixel, empty);
        continue;
      }
      const int64_t first = ((n * layout.height + y) * layout.width + x) * channels;
      if (pixel == channels) {
        // One pixel may hold more channels than a run.
        for (int64_t at = 0; at < count * channels; at += kRun)
          convert(values.data() + first + at, first + at, std::min(kRun, count * channels - at), to + at);
        continue;
      }
      for (int64_t at = 0; at < count * channels; at += kRun)
        convert(values.data() + first + at, first + at, std::min(kRun, count * channels - at), run.data() + at);
      for (int64_t p = 0; p < count; ++p) {
        std::copy_n(run.data() + p * channels, channels, to + p * pixel);
        std::fill_n(to + p * pixel + channels, pixel - channels, empty);
      }
    }
  });
  return out;
}

/// Words 0 .. count - 1 of the noise.
std::vector<uint16_t> words_of(const Noise& noise, int64_t count) {
  if (noise.words) return {noise.words->begin(), noise.words->end()};
  const int64_t blocks = (count + 7) / 8;
  std::vector<uint16_t> words(static_cast<size_t>(blocks * 8));
  kernels::active().codes.random_words({noise.key.seed, noise.key.stream}, 0, blocks, words.data());
  return words;
}

/// Rounds a plain matrix whose last axis has a grid for each channel: one column at a time, as weights are small.
template <typename Level>
Buffer<Level> encode_channels(const Tensor& values, const OperandPrecision& precision, const std::vector<Grid>& grids,
                              const Noise& noise) {
  Buffer<Level> levels(values.size());
  const int64_t channels = static_cast<int64_t>(grids.size()), rows = values.size() / channels;
  const std::vector<uint16_t> words =
      precision.rounding == Rounding::stochastic ? words_of(noise, values.size()) : std::vector<uint16_t>();
  parallel_for(channels, 4, [&](int64_t begin, int64_t end) {
    std::vector<float> column(static_cast<size_t>(rows));
    std::vector<uint16_t> column_words(words.empty() ? 0 : column.size());
    std::vector<Level> rounded(column.size());
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t r = 0; r < rows; ++r) column[static_cast<size_t>(r)] = values.data()[r * channels + c];
      for (size_t r = 0; r < column_words.size(); ++r)
        column_words[r] = words[r * static_cast<size_t>(channels) + static_cast<size_t>(c)];
      const Grid& grid = grids[static_cast<size_t>(c)];
      quantize(kernels::active().codes.quantize[static_cast<int>(precision.rounding)], column.data(), rows,
               {grid.scale, grid.zero, grid.max_level}, column_words.data(), rounded.data());
      for (int64_t r = 0; r < rows; ++r) levels.data()[r * channels + c] = rounded[static_cast<size_t>(r)];
    }
  });
  return levels;
}

template <typename Level>
Buffer<Level> encode_levels(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
                            const std::vector<Grid>& grids, const Noise& noise) {
  if (values.size() == 0) return Buffer<Level>();
  if (grids.size() > 1) return encode_channels<Level>(values, precision, grids, noise);
  return lay_out<Level>(values, layout, static_cast<Level>(grids.front().zero),
                        Rounder(precision, grids.front(), noise));
}

/// What the kernels read of an integer operand. `zeros` must live as long.
gemm::Levels view(const Operand& operand, std::vector<int32_t>& zeros) {
  const Grid& grid = operand.grids.front();
  gemm::Levels levels{{}, grid.zero, grid.max_level};
  levels.panels = operand.panels.get();
  if (const auto* bytes = std::get_if<Buffer<uint8_t>>(&operand.elements))
    levels.data = bytes->data();
  else
    levels.data = std::get<Buffer<uint16_t>>(operand.elements).data();
  if (!operand.per_channel()) return levels;
  for (const Grid& own : operand.grids) zeros.push_back(own.zero);
  levels.column_zeros = zeros;
  return levels;
}

void check_scales(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs) {
  const bool columns_are_channels = product.rhs.column_stride == 1;
  if (lhs.per_channel() || (rhs.per_channel() && !columns_are_channels))
    fail(ErrorKind::internal,
         "[multiply] a scale varies along the terms of a sum: quantize this operand anew, per tensor");
}

/// What a sum of each grid of rhs is worth. Products of two float32 are exact in float64.
std::vector<double> sum_scales(const Operand& lhs, const Operand& rhs) {
  std::vector<double> scales;
  for (const Grid& grid : rhs.grids)
    scales.push_back(static_cast<double>(lhs.grids.front().scale) * static_cast<double>(grid.scale));
  return scales;
}

}  // namespace

int64_t Operand::size() const {
  return std::visit([](const auto& buffer) { return buffer.size(); }, elements);
}

int Operand::level(int64_t place) const {
  const auto* bytes = std::get_if<Buffer<uint8_t>>(&elements);
  return bytes ? bytes->data()[place] : std::get<Buffer<uint16_t>>(elements).data()[place];
}

int channel_group(const OperandPrecision& precision) { return precision.is_float() ? 1 : 4; }

std::vector<Grid> fit_grids(const OperandPrecision& precision, std::span<const Range> ranges) {
  std::vector<Grid> grids;
  if (precision.is_float()) return grids;
  for (const Range& range : ranges) grids.push_back(precision.format->fit(range.low, range.high, precision.bits));
  return grids;
}

Operand encode(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
               const std::vector<Grid>& grids, const Noise& noise) {
  Operand operand;
  operand.grids = grids;
  check(grids.size() <= 1 || layout.plain(), "[encode] a grid for each channel needs a layout without borders or fill");
  check(!noise.words || static_cast<int64_t>(noise.words->size()) >= values.size(),
        "[encode] {} words of noise for {} elements; give one for each", noise.words ? noise.words->size() : 0,
        values.size());
  if (!precision.is_float() && precision.bits <= 8)
    operand.elements = encode_levels<uint8_t>(values, layout, precision, grids, noise);
  else if (!precision.is_float())
    operand.elements = encode_levels<uint16_t>(values, layout, precision, grids, noise);
  else if (layout.plain())
    operand.elements = values.buffer();
  else
    operand.elements = lay_out<float>(values, layout, 0.0f, Copier{});
  return operand;
}

Operand to_planar(const Operand& operand, const gemm::PlanarImage& planar) {
  Operand result;
  result.grids = operand.grids;
  result.statistics = operand.statistics;
  if (operand.values) result.values = std::make_shared<Operand>(to_planar(*operand.values, planar));
  std::visit(
      [&]<typename T>(const Buffer<T>& source) {
        Buffer<T> target(planar.size());
        gemm::to_planar(planar, source.data(), target.data());
        result.elements = std::move(target);
      },
      operand.elements);
  return result;
}

int64_t multiply(std::span<const gemm::GatherProduct> products, const Operand& lhs, const Operand& rhs,
                 const gemm::AccumulatorFormat& accumulator, float* out) {
  std::atomic<int64_t> overflows = 0;
  const std::vector<double> scales = sum_scales(lhs, rhs);
  const auto one = [&](const gemm::GatherProduct& product) {
    check_scales(product, lhs, rhs);
    std::vector<int32_t> zeros;
    if (lhs.is_float())
      gemm::float_product(product, lhs.floats().data(), rhs.floats().data(), out, rhs.panels.get());
    else if (accumulator.bits == 0)
      gemm::integer_product(product, view(lhs, zeros), view(rhs, zeros), scales, out);
    else
      overflows += gemm::emulated_product(product, view(lhs, zeros), view(rhs, zeros), accumulator, scales, out);
  };
  // Many small products are shared out as wholes; of few, each shares out its rows.
  if (products.size() < 4 * static_cast<size_t>(threads())) {
    for (const gemm::GatherProduct& product : products) one(product);
    return overflows;
  }
  parallel_for(static_cast<int64_t>(products.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(products[static_cast<size_t>(i)]);
  });
  return overflows;
}

void add_products(std::span<const gemm::GatherProduct> products, const std::vector<OperandPair>& pairs, float* out,
                  bool add) {
  std::vector<std::vector<double>> scales;
  std::vector<std::vector<int32_t>> zeros(2 * pairs.size());
  std::vector<gemm::ProductOperands> operands;
  for (const auto& [lhs, rhs] : pairs) {
    for (const gemm::GatherProduct& product : products) check_scales(product, lhs, rhs);
    const size_t i = 2 * operands.size();
    scales.push_back(sum_scales(lhs, rhs));
    operands.push_back({view(lhs, zeros[i]), view(rhs, zeros[i + 1]), scales.back()});
  }
  for (const gemm::GatherProduct& product : products) gemm::add_integer_products(product, operands, out, add);
}

bool multiply_depthwise(std::span<const gemm::DepthwiseProduct> products, const Operand& lhs, const Operand& rhs,
                        float* out) {
  if (products.empty() || lhs.per_channel()) return false;
  if (lhs.is_float()) {
    if (!std::ranges::all_of(products, [](const auto& product) { return gemm::is_direct(product); })) return false;
    for (const gemm::DepthwiseProduct& product : products)
      gemm::depthwise_product(product, lhs.floats().data(), rhs.floats().data(), out);
    return true;
  }
  std::vector<int32_t> zeros;
  const gemm::Levels left = view(lhs, zeros), right = view(rhs, zeros);
  if (!std::ranges::all_of(products, [&](const auto& product) { return gemm::is_direct(product, left, right); }))
    return false;
  const std::vector<double> scales = sum_scales(lhs, rhs);
  for (const gemm::DepthwiseProduct& product : products) gemm::depthwise_product(product, left, right, scales, out);
  return true;
}

void integer_sums(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs, std::span<int64_t> sums) {
  integer_sums(product, lhs, rhs, {}, sums);
}

int64_t integer_sums(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                     const gemm::AccumulatorFormat& accumulator, std::span<int64_t> sums) {
  check_scales(product, lhs, rhs);
  std::vector<int32_t> zeros;
  if (accumulator.bits > 0) return gemm::emulated_sums(product, view(lhs, zeros), view(rhs, zeros), accumulator, sums);
  gemm::integer_sums(product, view(lhs, zeros), view(rhs, zeros), sums);
  return 0;
}

int64_t running_peak(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                     const gemm::AccumulatorFormat& accumulator) {
  check_scales(product, lhs, rhs);
  std::vector<int32_t> zeros;
  return gemm::running_peak(product, view(lhs, zeros), view(rhs, zeros), accumulator.chunk);
}

std::string describe_accumulator(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs,
                                 const gemm::AccumulatorFormat& accumulator) {
  if (lhs.is_float()) return "float32: one fused multiply-add after another";
  std::vector<int32_t> zeros;
  if (accumulator.bits == 0) return gemm::product_accumulator(product, view(lhs, zeros), view(rhs, zeros)).describe();
  return fmt::format("emulated: {} bits, which {}{}", accumulator.bits, accumulator.saturate ? "saturate" : "wrap",
                     accumulator.chunk == 0 ? "" : fmt::format(", over chunks of {} terms", accumulator.chunk));
}

}  // namespace fqt::quant
