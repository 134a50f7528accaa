#include "engine/ops/pool.h"

#include <algorithm>
#include <limits>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {

Var global_avg_pool(Tape& tape, const Var& x) {
  const profile::Scope scope(profile::Phase::pointwise, "global_avg_pool");
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
  return tape.record(std::move(y), {x}, [shape = x.shape(), batch, pixels, channels](const Tensor& grad) {
    Tensor grad_x(shape);
    float* const to = grad_x.data();
    parallel_for(batch, grain(pixels * channels), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * pixels; row < end * pixels; ++row)
        for (int64_t c = 0; c < channels; ++c)
          to[row * channels + c] = grad.data()[row / pixels * channels + c] / static_cast<float>(pixels);
    });
    return std::vector<Tensor>{grad_x};
  });
}

Var max_pool(Tape& tape, const Var& x, int64_t window, int64_t stride, int64_t padding) {
  const profile::Scope scope(profile::Phase::pointwise, "max_pool");
  check(x.value().rank() == 4, "[max_pool] input has shape {}, expected [N, H, W, C]", to_string(x.shape()));
  const int64_t batch = x.value().dim(0), height = x.value().dim(1), width = x.value().dim(2);
  const int64_t channels = x.value().dim(3), image = height * width * channels;
  check(window >= 1 && stride >= 1, "[max_pool] window {} and stride {} must be at least 1", window, stride);
  check(padding >= 0 && 2 * padding <= window, "[max_pool] a padding of {} for a window of {}; at most half of it",
        padding, window);
  check(window <= height + 2 * padding && window <= width + 2 * padding,
        "[max_pool] a window of {} does not fit an input of shape {}", window, to_string(x.shape()));
  check(image <= std::numeric_limits<int32_t>::max(), "[max_pool] an image of shape {} has too many values",
        to_string(x.shape()));
  const int64_t out_height = (height + 2 * padding - window) / stride + 1;
  const int64_t out_width = (width + 2 * padding - window) / stride + 1;
  const int64_t out_image = out_height * out_width * channels;

  Tensor y({batch, out_height, out_width, channels});
  Buffer<int32_t> at(y.size());  // where in its image each value comes from
  const auto keep_larger = kernels::active().vector.keep_larger;
  parallel_for(batch * out_height, grain(out_width * channels * window * window), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* const input = x.value().data() + row / out_height * image;
      const int64_t top = row % out_height * stride - padding;
      for (int64_t column = 0; column < out_width; ++column) {
        const int64_t left = column * stride - padding, out = (row * out_width + column) * channels;
        float* const best = y.data() + out;
        int32_t* const where = at.data() + out;
        const int64_t first_y = std::max<int64_t>(top, 0), first_x = std::max<int64_t>(left, 0);
        const int64_t end_y = std::min(top + window, height), end_x = std::min(left + window, width);
        const int64_t corner = (first_y * width + first_x) * channels;
        for (int64_t c = 0; c < channels; ++c) {
          best[c] = input[corner + c];
          where[c] = static_cast<int32_t>(corner + c);
        }
        for (int64_t tap_y = first_y; tap_y < end_y; ++tap_y)
          for (int64_t tap_x = first_x; tap_x < end_x; ++tap_x) {
            const int64_t from = (tap_y * width + tap_x) * channels;
            if (from != corner) keep_larger(best, where, input + from, static_cast<int32_t>(from), channels);
          }
      }
    }
  });
  return tape.record(std::move(y), {x}, [shape = x.shape(), at, batch, image, out_image](const Tensor& grad) {
    Tensor grad_x = Tensor::zeros(shape);
    float* const to = grad_x.data();
    parallel_for(batch, grain(image), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        for (int64_t i = n * out_image; i < (n + 1) * out_image; ++i) to[n * image + at.data()[i]] += grad.data()[i];
    });
    return std::vector<Tensor>{grad_x};
  });
}

Var upsample(Tape& tape, const Var& x, int64_t factor) {
  const profile::Scope scope(profile::Phase::pointwise, "upsample");
  check(x.value().rank() == 4 && factor >= 1,
        "[upsample] input has shape {} and the factor is {}, expected [N, H, W, C]"
        " and at least 1",
        to_string(x.shape()), factor);
  const int64_t height = x.value().dim(1), width = x.value().dim(2), channels = x.value().dim(3);
  const int64_t rows = x.value().dim(0) * height, line = width * factor * channels;
  Tensor y({x.value().dim(0), height * factor, width * factor, channels});
  parallel_for(rows, grain(line * factor), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* const to = y.data() + row * factor * line;
      for (int64_t i = 0; i < width * factor; ++i)
        std::copy_n(x.value().data() + (row * width + i / factor) * channels, channels, to + i * channels);
      for (int64_t i = 1; i < factor; ++i) std::copy_n(to, line, to + i * line);
    }
  });
  return tape.record(std::move(y), {x}, [shape = x.shape(), rows, width, channels, line, factor](const Tensor& grad) {
    Tensor grad_x = Tensor::zeros(shape);
    const auto add = kernels::active().vector.add;
    parallel_for(rows, grain(line * factor), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t i = 0; i < factor; ++i)
          for (int64_t j = 0; j < width * factor; ++j)
            add(grad_x.data() + (row * width + j / factor) * channels,
                grad.data() + (row * factor + i) * line + j * channels, channels);
    });
    return std::vector<Tensor>{grad_x};
  });
}

}  // namespace fqt::ops
