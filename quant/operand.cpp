#include "quant/operand.h"

#include <algorithm>
#include <vector>

#include "engine/gemm/planar.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

namespace fqt::quant {
namespace {

constexpr int64_t kRun = 4096;  ///< elements rounded at a time

/// Rounds runs of elements that are contiguous in the tensor: the innermost step of encode.
class Rounder {
 public:
  Rounder(const OperandPrecision& precision, const Grid& grid, const RandomKey& noise)
      : kernels_(kernels::active().codes),
        spec_{grid.scale, grid.zero, grid.max_level},
        noise_(noise),
        stochastic_(precision.rounding == Rounding::stochastic) {}

  /// values[0 .. count) are elements first ... of their tensor; count <= kRun.
  void operator()(const float* values, int64_t first, int64_t count, uint8_t* levels) const {
    if (!stochastic_) return kernels_.quantize_nearest(values, count, &spec_, levels);
    uint16_t words[kRun + 16];
    const int64_t skip = first % 8;
    kernels_.random_words(noise_.seed, noise_.stream, static_cast<uint64_t>(first / 8), (skip + count + 7) / 8, words);
    kernels_.quantize_stochastic(values, count, &spec_, words + skip, levels);
  }

 private:
  const kernels::CodeKernels& kernels_;
  kernels::GridSpec spec_;
  RandomKey noise_;
  bool stochastic_;
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

}  // namespace

int channel_group(const OperandPrecision& precision) { return precision.is_float() ? 1 : 4; }

Grid fit_grid(const OperandPrecision& precision, const Range& range) {
  return precision.is_float() ? Grid{} : precision.format->fit(range.low, range.high, precision.bits);
}

Operand encode(const Tensor& values, const gemm::PaddedImage& layout, const OperandPrecision& precision,
               const Grid& grid, const RandomKey& noise) {
  Operand operand;
  operand.is_float = precision.is_float();
  operand.grid = grid;
  if (!operand.is_float)
    operand.levels = lay_out<uint8_t>(values, layout, static_cast<uint8_t>(grid.zero), Rounder(precision, grid, noise));
  else if (layout.plain())
    operand.values = values.buffer();
  else
    operand.values = lay_out<float>(values, layout, 0.0f, Copier{});
  return operand;
}

Operand to_planar(const Operand& operand, const gemm::PlanarImage& planar) {
  Operand result;
  result.is_float = operand.is_float;
  result.grid = operand.grid;
  if (operand.is_float) {
    result.values = Buffer<float>(planar.size());
    gemm::to_planar(planar, operand.values.data(), result.values.data());
  } else {
    result.levels = Buffer<uint8_t>(planar.size());
    gemm::to_planar(planar, operand.levels.data(), result.levels.data());
  }
  return result;
}

void multiply(const gemm::GatherProduct& product, const Operand& lhs, const Operand& rhs, float* out) {
  if (lhs.is_float) return gemm::float_product(product, lhs.values.data(), rhs.values.data(), out);
  const double scale = static_cast<double>(lhs.grid.scale) * static_cast<double>(rhs.grid.scale);  // exact
  gemm::integer_product(product, lhs.view(), rhs.view(), {&scale, 1}, out);
}

}  // namespace fqt::quant
