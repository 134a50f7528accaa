#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/gemm/gather.h"
#include "engine/gemm/gemm.h"

namespace fqt::gemm {

/// Where the pixels (n, row, column) of an operand or a result lie.
struct PixelOffsets {
  int64_t first, image, row, pixel;

  int64_t at(int64_t n, int64_t y) const { return first + n * image + y * row; }
};

/// A product of a depthwise convolution (as many groups as channels in and out), all channels side by side. Pixels
/// (n, row, column) have a window in the left operand, whose taps lie at lhs + windows + offsets[t] + channel.
///
/// Over taps:    out(pixel, c) = sum over t of lhs(pixel, t, c) * rhs[taps[t] * channels + c]
/// Over pixels:  out[taps[t] * channels + c] = sum over pixels of lhs(pixel, t, c) * rhs(pixel, c)
///
/// Terms are in the order that the products of each group (gather.h) have them in, so that results are the same.
struct DepthwiseProduct {
  enum class Sum { over_taps, over_pixels };
  Sum sum;
  int64_t batch, rows, columns, channels;
  PixelOffsets windows;
  std::vector<int32_t> offsets;
  std::vector<int32_t> taps;
  PixelOffsets pixels;  ///< of the result over taps, of the right operand over pixels

  int64_t terms() const { return sum == Sum::over_taps ? static_cast<int64_t>(taps.size()) : batch * rows * columns; }
};

// The products that forward_products, grad_lhs_products and grad_rhs_products list group by group, from the same
// layouts.

std::vector<DepthwiseProduct> depthwise_forward(const ConvGeometry& geometry, const PaddedImage& x);
std::vector<DepthwiseProduct> depthwise_grad_lhs(const ConvGeometry& geometry, const PaddedImage& dy);
std::vector<DepthwiseProduct> depthwise_grad_rhs(const ConvGeometry& geometry, const PaddedImage& x,
                                                 const PaddedImage& dy);

/// Whether the functions below take the product: not too many taps, and int32 sums (over pixels: of whole rows) by
/// plan_accumulator's proof.
bool is_direct(const DepthwiseProduct& product);
bool is_direct(const DepthwiseProduct& product, const Levels& lhs, const Levels& rhs);

/// integer_product for all channels at once. `scales`: one, or one for each channel; rhs may have a zero level for
/// each.
void depthwise_product(const DepthwiseProduct& product, const Levels& lhs, const Levels& rhs,
                       std::span<const double> scales, float* out);

/// float_product for all channels at once.
void depthwise_product(const DepthwiseProduct& product, const float* lhs, const float* rhs, float* out);

}  // namespace fqt::gemm
