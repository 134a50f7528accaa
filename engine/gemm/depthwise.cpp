#include "engine/gemm/depthwise.h"

#include <algorithm>

#include "engine/buffer.h"
#include "engine/gemm/bounds.h"
#include "engine/gemm/taps.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"

namespace fqt::gemm {
namespace {

bool is_depthwise(const ConvGeometry& g) {
  return g.groups > 1 && g.groups == g.in_channels && g.groups == g.out_channels;
}

/// The pixels of an image, or every `step`-th of them, from (y, x) of the first on.
PixelOffsets pixels_of(const PaddedImage& image, int64_t y, int64_t x, int64_t step) {
  const int64_t row = image.padded_width() * image.pixel;
  return {image.offset(0, y, x), image.padded_height() * row, step * row, step * image.pixel};
}

PaddedImage plain_image(int64_t batch, int64_t height, int64_t width, int64_t channels) {
  return {batch, height, width, channels, 0, 0, 0, 0, channels};
}

/// Offsets of the taps of a window of rows x columns pixels.
std::vector<int32_t> window(const PaddedImage& image, int64_t rows, int64_t columns) {
  std::vector<int32_t> offsets;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x)
      offsets.push_back(static_cast<int32_t>((y * image.padded_width() + x) * image.pixel));
  return offsets;
}

/// The windows of a convolution's outputs in X, taps in the order of the weights.
DepthwiseProduct output_windows(const ConvGeometry& g, const PaddedImage& x, DepthwiseProduct::Sum sum,
                                const PixelOffsets& pixels) {
  DepthwiseProduct product{sum,
                           g.batch,
                           g.out_height(),
                           g.out_width(),
                           g.in_channels,
                           pixels_of(x, -g.padding, -g.padding, g.stride),
                           window(x, g.kernel, g.kernel),
                           {},
                           pixels};
  for (int64_t tap = 0; tap < g.kernel * g.kernel; ++tap) product.taps.push_back(static_cast<int32_t>(tap));
  return product;
}

/// The pixels of X that one class of taps reaches, their windows in dY.
DepthwiseProduct input_windows(const ConvGeometry& g, const PaddedImage& dy, const TapClass& cy, const TapClass& cx) {
  const PaddedImage dx = plain_image(g.batch, g.height, g.width, g.in_channels);
  DepthwiseProduct product{DepthwiseProduct::Sum::over_taps,
                           g.batch,
                           cy.count,
                           cx.count,
                           g.in_channels,
                           pixels_of(dy, cy.low, cx.low, 1),
                           window(dy, cy.taps, cx.taps),
                           {},
                           pixels_of(dx, cy.first, cx.first, g.stride)};
  for (int64_t y = 0; y < cy.taps; ++y)
    for (int64_t x = 0; x < cx.taps; ++x)
      product.taps.push_back(static_cast<int32_t>(cy.tap(y, g.stride) * g.kernel + cx.tap(x, g.stride)));
  return product;
}

std::vector<uint16_t> channel_zeros(int64_t channels, const Levels& rhs) {
  const size_t count = static_cast<size_t>(channels);
  if (rhs.column_zeros.empty()) return std::vector<uint16_t>(count, static_cast<uint16_t>(rhs.zero));
  return std::vector<uint16_t>(rhs.column_zeros.begin(), rhs.column_zeros.begin() + channels);
}

std::vector<double> channel_scales(int64_t channels, std::span<const double> scales) {
  if (scales.size() == 1) return std::vector<double>(static_cast<size_t>(channels), scales[0]);
  return std::vector<double>(scales.begin(), scales.end());
}

Accumulator depthwise_accumulator(const DepthwiseProduct& product, const Levels& lhs, const Levels& rhs) {
  return plan_accumulator(operand_bounds(lhs, rhs, channel_zeros(product.channels, rhs)), product.terms());
}

// The kernels for each kind of level.
auto window_kernel(const uint8_t*) { return kernels::active().depthwise.window_bytes; }
auto window_kernel(const uint16_t*) { return kernels::active().depthwise.window_words; }
auto window_kernel(const float*) { return kernels::active().depthwise.window_f32; }
auto tap_kernel(const uint8_t*) { return kernels::active().depthwise.taps_bytes; }
auto tap_kernel(const uint16_t*) { return kernels::active().depthwise.taps_words; }
auto difference_kernel(const uint8_t*) { return kernels::active().depthwise.differences_bytes; }
auto difference_kernel(const uint16_t*) { return kernels::active().depthwise.differences_words; }

/// Weights in the order of the windows' taps.
template <typename Weight, typename Value>
Buffer<Weight> window_weights(const DepthwiseProduct& product, const Value& value) {
  Buffer<Weight> weights(product.terms() * product.channels);
  Weight* to = weights.data();
  for (const int32_t tap : product.taps)
    for (int64_t c = 0; c < product.channels; ++c) *to++ = static_cast<Weight>(value(tap * product.channels + c, c));
  return weights;
}

/// `task` has everything but the pixels.
template <typename Lhs, typename Weight>
void run_windows(const DepthwiseProduct& product, const Lhs* lhs, float* out,
                 const kernels::WindowTask<Lhs, Weight>& task) {
  const auto kernel = window_kernel(lhs);
  parallel_for(product.batch * product.rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      kernels::WindowTask<Lhs, Weight> here = task;
      here.lhs = lhs + product.windows.at(row / product.rows, row % product.rows);
      here.out = out + product.pixels.at(row / product.rows, row % product.rows);
      kernel(here);
    }
  });
}

template <typename Lhs, typename Weight>
kernels::WindowTask<Lhs, Weight> window_task(const DepthwiseProduct& product, const Buffer<Weight>& weights) {
  return {.lhs = nullptr,
          .step = product.windows.pixel,
          .offsets = product.offsets.data(),
          .taps = static_cast<int>(product.offsets.size()),
          .weights = weights.data(),
          .pixels = product.columns,
          .channels = product.channels,
          .out = nullptr,
          .out_step = product.pixels.pixel,
          .corrections = nullptr,
          .scales = nullptr,
          .bias = 0};
}

/// Channels from `first` on.
struct ChannelRun {
  int64_t first, count;
};

/// Calls body(run) for runs of whole vectors, one for each thread. A run walks all pixels: chains have one order.
template <typename Body>
void for_channels(int64_t channels, const Body& body) {
  constexpr int64_t kVector = 16;
  const int64_t vectors = (channels + kVector - 1) / kVector;
  parallel_for(vectors, (vectors + threads() - 1) / threads(), [&](int64_t begin, int64_t end) {
    body(ChannelRun{begin * kVector, std::min(end * kVector, channels) - begin * kVector});
  });
}

template <typename Lhs, typename Rhs, typename Sum>
kernels::TapTask<Lhs, Rhs, Sum> tap_task(const DepthwiseProduct& product, int64_t channels, Sum* sums,
                                         int64_t sum_step) {
  return {.lhs = nullptr,
          .step = product.windows.pixel,
          .offsets = product.offsets.data(),
          .taps = static_cast<int>(product.offsets.size()),
          .rhs = nullptr,
          .rhs_step = product.pixels.pixel,
          .pixels = product.columns,
          .channels = channels,
          .sums = sums,
          .sum_step = sum_step,
          .bias = 0};
}

/// Sums over pixels of a run of channels, in int32 as long as they fit and int64 behind.
template <typename Left, typename Right>
class TapSums {
 public:
  TapSums(const DepthwiseProduct& product, const Left* lhs, const Right* rhs, const uint16_t* zeros, int bias,
          ChannelRun run)
      : product_(product),
        lhs_(lhs + run.first),
        rhs_(rhs + run.first),
        zeros_(zeros + run.first),
        bias_(bias),
        run_(run),
        differences_(static_cast<size_t>(product.columns * run.count)),
        sums_((product.offsets.size() + 1) * static_cast<size_t>(run.count)),
        totals_(sums_.size()) {}

  /// `run_terms`: most terms whose sums fit int32.
  void add_up(int64_t run_terms) {
    const int64_t rows = product_.batch * product_.rows, run_rows = run_terms / product_.columns;
    for (int64_t row = 0; row < rows; row += run_rows) {
      std::ranges::fill(sums_, 0);
      for (int64_t r = row; r < std::min(row + run_rows, rows); ++r) add_row(r / product_.rows, r % product_.rows);
      for (size_t i = 0; i < sums_.size(); ++i) totals_[i] += sums_[i];
    }
  }

  /// The sum of tap t and channel c of the run, `zero` being what lhs counts from.
  int64_t at(size_t t, int64_t c, int64_t zero) const {
    const size_t count = static_cast<size_t>(run_.count), channel = static_cast<size_t>(c);
    return totals_[t * count + channel] - zero * totals_[product_.offsets.size() * count + channel];
  }

 private:
  void add_row(int64_t n, int64_t y) {
    kernels::TapTask<Left, int16_t, int32_t> task =
        tap_task<Left, int16_t>(product_, run_.count, sums_.data(), run_.count);
    difference_kernel(rhs_)({rhs_ + product_.pixels.at(n, y), product_.pixels.pixel, zeros_, product_.columns,
                             run_.count, differences_.data(),
                             sums_.data() + static_cast<int64_t>(product_.offsets.size()) * run_.count});
    task.lhs = lhs_ + product_.windows.at(n, y);
    task.rhs = differences_.data();
    task.rhs_step = run_.count;
    task.bias = bias_;
    tap_kernel(lhs_)(task);
  }

  const DepthwiseProduct& product_;
  const Left* lhs_;
  const Right* rhs_;
  const uint16_t* zeros_;
  int bias_;
  ChannelRun run_;
  std::vector<int16_t> differences_;
  std::vector<int32_t> sums_;  ///< a row for each tap, and one of rhs by itself
  std::vector<int64_t> totals_;
};

template <typename Left, typename Right>
void sum_over_taps(const DepthwiseProduct& product, const Left* left, const Right* right, const Levels& lhs,
                   const Levels& rhs, std::span<const double> scales, float* out) {
  const std::vector<uint16_t> zeros = channel_zeros(product.channels, rhs);
  std::vector<int32_t> corrections(zeros.size());
  const int64_t zero = lhs.zero - level_bias(lhs);
  const Buffer<int16_t> weights = window_weights<int16_t>(product, [&](int64_t at, int64_t c) {
    const int64_t difference = right[at] - zeros[static_cast<size_t>(c)];
    corrections[static_cast<size_t>(c)] += static_cast<int32_t>(zero * difference);
    return difference;
  });
  const std::vector<double> all_scales = channel_scales(product.channels, scales);
  kernels::WindowTask<Left, int16_t> task = window_task<Left>(product, weights);
  task.corrections = corrections.data();
  task.scales = all_scales.data();
  task.bias = level_bias(lhs);
  run_windows(product, left, out, task);
}

template <typename Left, typename Right>
void sum_over_pixels(const DepthwiseProduct& product, const Left* left, const Right* right, const Levels& lhs,
                     const Levels& rhs, std::span<const double> scales, float* out) {
  const std::vector<uint16_t> zeros = channel_zeros(product.channels, rhs);
  const std::vector<double> all_scales = channel_scales(product.channels, scales);
  const Accumulator accumulator = depthwise_accumulator(product, lhs, rhs);
  const int bias = level_bias(lhs);
  for_channels(product.channels, [&](ChannelRun run) {
    TapSums<Left, Right> sums(product, left, right, zeros.data(), bias, run);
    sums.add_up(accumulator.run_terms);
    for (size_t t = 0; t < product.taps.size(); ++t)
      for (int64_t c = 0; c < run.count; ++c)
        out[product.taps[t] * product.channels + run.first + c] = static_cast<float>(
            static_cast<double>(sums.at(t, c, lhs.zero - bias)) * all_scales[static_cast<size_t>(run.first + c)]);
  });
}

}  // namespace

std::vector<DepthwiseProduct> depthwise_forward(const ConvGeometry& g, const PaddedImage& x) {
  if (!is_depthwise(g)) return {};
  const PaddedImage y = plain_image(g.batch, g.out_height(), g.out_width(), g.out_channels);
  return {output_windows(g, x, DepthwiseProduct::Sum::over_taps, pixels_of(y, 0, 0, 1))};
}

std::vector<DepthwiseProduct> depthwise_grad_lhs(const ConvGeometry& g, const PaddedImage& dy) {
  std::vector<DepthwiseProduct> products;
  if (!is_depthwise(g)) return products;
  for (int64_t ry = 0; ry < g.stride; ++ry)
    for (int64_t rx = 0; rx < g.stride; ++rx) {
      const TapClass cy = tap_class(g.height, g.kernel, g.stride, g.padding, ry);
      const TapClass cx = tap_class(g.width, g.kernel, g.stride, g.padding, rx);
      if (!cy.empty() && !cx.empty()) products.push_back(input_windows(g, dy, cy, cx));
    }
  return products;
}

std::vector<DepthwiseProduct> depthwise_grad_rhs(const ConvGeometry& g, const PaddedImage& x, const PaddedImage& dy) {
  if (!is_depthwise(g)) return {};
  return {output_windows(g, x, DepthwiseProduct::Sum::over_pixels, pixels_of(dy, 0, 0, 1))};
}

bool is_direct(const DepthwiseProduct& product) { return product.taps.size() <= kernels::kMaxTaps; }

bool is_direct(const DepthwiseProduct& product, const Levels& lhs, const Levels& rhs) {
  const Accumulator accumulator = depthwise_accumulator(product, lhs, rhs);
  if (!is_direct(product) || accumulator.kind == Accumulator::Kind::split) return false;
  if (product.sum == DepthwiseProduct::Sum::over_taps) return accumulator.kind == Accumulator::Kind::int32;
  return accumulator.run_terms >= product.columns;
}

void depthwise_product(const DepthwiseProduct& product, const Levels& lhs, const Levels& rhs,
                       std::span<const double> scales, float* out) {
  std::visit(
      [&](auto left, auto right) {
        if (product.sum == DepthwiseProduct::Sum::over_taps)
          sum_over_taps(product, left, right, lhs, rhs, scales, out);
        else
          sum_over_pixels(product, left, right, lhs, rhs, scales, out);
      },
      lhs.data, rhs.data);
}

void depthwise_product(const DepthwiseProduct& product, const float* lhs, const float* rhs, float* out) {
  if (product.sum == DepthwiseProduct::Sum::over_taps) {
    const Buffer<float> weights = window_weights<float>(product, [&](int64_t at, int64_t) { return rhs[at]; });
    return run_windows(product, lhs, out, window_task<float>(product, weights));
  }
  const auto kernel = kernels::active().depthwise.taps_f32;
  std::fill_n(out, static_cast<int64_t>(product.taps.size()) * product.channels, 0.0f);
  for_channels(product.channels, [&](ChannelRun run) {
    for (int64_t row = 0; row < product.batch * product.rows; ++row) {
      const int64_t n = row / product.rows, y = row % product.rows;
      kernels::TapTask<float, float, float> task =
          tap_task<float, float>(product, run.count, out + run.first, product.channels);
      task.lhs = lhs + product.windows.at(n, y) + run.first;
      task.rhs = rhs + product.pixels.at(n, y) + run.first;
      kernel(task);
    }
  });
}

}  // namespace fqt::gemm
