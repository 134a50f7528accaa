#include "engine/ops/pool.h"

#include <limits>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"

namespace fqt::ops {

Var global_avg_pool(Tape& tape, const Var& x) {
  check(x.value().rank() == 4 && x.value().size() > 0, "[global_avg_pool] input has shape {}, expected [N, H, W, C]",
        to_string(x.shape()));
  const int64_t batch = x.value().dim(0), pixels = x.value().dim(1) * x.value().dim(2), channels = x.value().dim(3);
  Tensor y({batch, channels});
  const auto column_sums = kernels::active().vector.column_sums;
  parallel_for(batch, grain(pixels * channels), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      column_sums(y.data() + n * channels, x.value().data() + n * pixels * channels, pixels, channels);
    for (int64_t i = begin * channels; i < end * channels; ++i) y.data()[i] /= static_cast<float>(pixels);
  });
  return tape.record(std::move(y), {x}, [shape = x.shape(), batch, pixels, channels](Tensor grad) {
    Tensor grad_x(shape);
    parallel_for(batch, grain(pixels * channels), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * pixels; row < end * pixels; ++row)
        for (int64_t c = 0; c < channels; ++c)
          grad_x.data()[row * channels + c] = grad.data()[row / pixels * channels + c] / static_cast<float>(pixels);
    });
    return std::vector<Tensor>{grad_x};
  });
}

Var max_pool(Tape& tape, const Var& x, int64_t window, int64_t stride) {
  check(x.value().rank() == 4, "[max_pool] input has shape {}, expected [N, H, W, C]", to_string(x.shape()));
  const int64_t batch = x.value().dim(0), height = x.value().dim(1), width = x.value().dim(2);
  const int64_t channels = x.value().dim(3), image = height * width * channels;
  check(window >= 1 && stride >= 1, "[max_pool] window {} and stride {} must be at least 1", window, stride);
  check(window <= height && window <= width, "[max_pool] a window of {} does not fit an input of shape {}", window,
        to_string(x.shape()));
  check(image <= std::numeric_limits<int32_t>::max(), "[max_pool] an image of shape {} has too many values",
        to_string(x.shape()));
  const int64_t out_height = (height - window) / stride + 1, out_width = (width - window) / stride + 1;
  const int64_t out_image = out_height * out_width * channels;

  Tensor y({batch, out_height, out_width, channels});
  Buffer<int32_t> at(y.size());  // where in its image each value comes from
  const auto keep_larger = kernels::active().vector.keep_larger;
  parallel_for(batch * out_height, grain(out_width * channels * window * window), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* const input = x.value().data() + row / out_height * image;
      for (int64_t column = 0; column < out_width; ++column) {
        const int64_t out = (row * out_width + column) * channels;
        const int64_t corner = (row % out_height * stride * width + column * stride) * channels;
        for (int64_t c = 0; c < channels; ++c) {
          y.data()[out + c] = input[corner + c];
          at.data()[out + c] = static_cast<int32_t>(corner + c);
        }
        for (int64_t tap = 1; tap < window * window; ++tap) {
          const int64_t from = corner + (tap / window * width + tap % window) * channels;
          keep_larger(y.data() + out, at.data() + out, input + from, static_cast<int32_t>(from), channels);
        }
      }
    }
  });
  return tape.record(std::move(y), {x}, [shape = x.shape(), at, batch, image, out_image](Tensor grad) {
    Tensor grad_x = Tensor::zeros(shape);
    parallel_for(batch, grain(image), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        for (int64_t i = n * out_image; i < (n + 1) * out_image; ++i)
          grad_x.data()[n * image + at.data()[i]] += grad.data()[i];
    });
    return std::vector<Tensor>{grad_x};
  });
}

}  // namespace fqt::ops
