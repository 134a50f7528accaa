#include "engine/ops/range_norm.h"

#include <cmath>
#include <numbers>
#include <optional>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/math.h"
#include "engine/ops/normalize.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {

double range_to_deviation(double n) {
  return 0.175 * (1.0 + std::sqrt(std::numbers::pi * math::log(4.0))) / std::sqrt(2.0 * math::log(n));
}

namespace {

constexpr int64_t kChunks = 16;

/// Sums and extremes of pieces of rows, the same number of pieces for every chunk; each fits a first-level cache.
class Pieces {
 public:
  Pieces(const Tensor& x, int64_t rows, int64_t channels)
      : rows_(rows),
        channels_(channels),
        per_chunk_((rows - 1) / (kChunks * chunk_rows(channels)) + 1),
        values_(count() * 3 * channels),
        at_(count() * 2 * channels) {
    const kernels::VectorKernels& kernel = kernels::active().vector;
    parallel_for(count(), 4, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t height = first_row(piece + 1) - first_row(piece);
        const float* const values = x.data() + first_row(piece) * channels;
        kernel.column_sums(sums(piece), values, height, channels);
        kernel.column_extremes({high(piece), low(piece), high_row(piece), low_row(piece)}, values, height, channels);
      }
    });
  }

  int64_t per_chunk() const { return per_chunk_; }
  int64_t count() const { return kChunks * per_chunk_; }
  int64_t first_row(int64_t piece) const { return piece * rows_ / count(); }
  float* sums(int64_t piece) { return values_.data() + piece * 3 * channels_; }
  float* high(int64_t piece) { return sums(piece) + channels_; }
  float* low(int64_t piece) { return high(piece) + channels_; }
  int32_t* high_row(int64_t piece) { return at_.data() + piece * 2 * channels_; }  ///< counted from first_row(piece)
  int32_t* low_row(int64_t piece) { return high_row(piece) + channels_; }

 private:
  int64_t rows_, channels_, per_chunk_;
  Buffer<float> values_;
  Buffer<int32_t> at_;
};

/// Statistics of a batch: per channel mean and deviation, and the rows [16, channels] of the chunks' extremes.
struct Spread {
  std::vector<double> mean, deviation;
  std::vector<int64_t> high_rows, low_rows;
  double constant;  ///< C(n): deviation = C(n) * range
};

Spread measure(const Tensor& x, int64_t rows, int64_t channels) {
  Pieces pieces(x, rows, channels);
  const size_t count = static_cast<size_t>(channels);
  std::vector<double> mean(count), range(count);
  std::vector<int64_t> high_rows, low_rows;
  for (int64_t chunk = 0; chunk < kChunks; ++chunk) {
    for (size_t c = 0; c < count; ++c) {
      int64_t highest = chunk * pieces.per_chunk(), lowest = highest;
      for (int64_t piece = highest, end = highest + pieces.per_chunk(); piece < end; ++piece) {
        mean[c] += pieces.sums(piece)[c];
        if (pieces.high(piece)[c] > pieces.high(highest)[c]) highest = piece;
        if (pieces.low(piece)[c] < pieces.low(lowest)[c]) lowest = piece;
      }
      range[c] += double{pieces.high(highest)[c]} - pieces.low(lowest)[c];
      high_rows.push_back(pieces.first_row(highest) + pieces.high_row(highest)[c]);
      low_rows.push_back(pieces.first_row(lowest) + pieces.low_row(lowest)[c]);
    }
  }
  const double constant = range_to_deviation(static_cast<double>(rows) / kChunks);
  for (double& value : mean) value /= static_cast<double>(rows);
  for (double& value : range) value *= constant / kChunks;
  return {std::move(mean), std::move(range), std::move(high_rows), std::move(low_rows), constant};
}

/// `batch` where its statistics, which move with x, were used; null where running ones were.
std::vector<Tensor> range_norm_grad(const Normalized& normalized, const Spread* batch, const Tensor& grad) {
  NormalizedSums sums = normalized_sums(normalized, grad);
  const int64_t channels = normalized.x.dim(-1), rows = normalized.x.size() / channels;
  const float* const scale = normalized.norm.scale.data();
  Tensor slope = Tensor::zeros({channels}), offset = Tensor::zeros({channels});
  if (!batch) return normalized_grads(normalized, std::move(sums), slope, offset, grad);

  // y depends on the mean, to which each row contributes 1 / rows, and by its divisor on the extremes, which each
  // contribute C(n) / 16: d loss / d divisor = -scale * inverse * (sum of g * (x - mean)).
  std::vector<float> pull;
  for (int64_t c = 0; c < channels; ++c) {
    const size_t at = static_cast<size_t>(c);
    offset.data()[c] = static_cast<float>(-scale[c] * sums.g[at] / static_cast<double>(rows));
    pull.push_back(
        static_cast<float>(-scale[c] * normalized.norm.inverse[at] * sums.product[at] * (batch->constant / kChunks)));
  }
  std::vector<Tensor> grads = normalized_grads(normalized, std::move(sums), slope, offset, grad);
  float* const grad_x = grads[0].data();
  const size_t count = pull.size();
  parallel_for(channels, 256, [&](int64_t begin, int64_t end) {
    for (size_t first = 0; first < batch->high_rows.size(); first += count)
      for (size_t c = static_cast<size_t>(begin); c < static_cast<size_t>(end); ++c) {
        grad_x[static_cast<size_t>(batch->high_rows[first + c]) * count + c] += pull[c];
        grad_x[static_cast<size_t>(batch->low_rows[first + c]) * count + c] -= pull[c];
      }
  });
  return grads;
}

Var range_norm(const char* name, Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
               Tensor& running_range, const NormOptions& options, const Tail& tail) {
  const profile::Scope scope(profile::Phase::norm, name);
  check_norm(name, x, gamma, beta, running_mean, tail);
  const int64_t channels = x.value().dim(-1), rows = x.value().size() / channels;
  check_shape(name, "running_range", running_range, {channels});
  check(!options.training || rows >= 2 * kChunks,
        "[{}] input has shape {}: training needs at least {} values a channel, two for each of {} chunks", name,
        to_string(x.shape()), 2 * kChunks, kChunks);

  std::optional<Spread> batch;
  std::vector<double> mean, deviation;
  if (options.training) {
    batch = measure(x.value(), rows, channels);
    mean = batch->mean;
    deviation = batch->deviation;
    update_running(running_mean, mean, options.momentum);
    update_running(running_range, deviation, options.momentum);
  } else {
    mean.assign(running_mean.values().begin(), running_mean.values().end());
    deviation.assign(running_range.values().begin(), running_range.values().end());
  }
  std::vector<double> inverse;
  for (const double value : deviation) inverse.push_back(1.0 / (value + options.epsilon));
  return normalize(tape, x, gamma, beta, affine(mean, std::move(inverse), gamma.value(), beta.value()), tail,
                   [batch = std::move(batch)](const Normalized& normalized, const Tensor& grad) {
                     return range_norm_grad(normalized, batch ? &*batch : nullptr, grad);
                   });
}

}  // namespace

Var range_norm(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean, Tensor& running_range,
               const NormOptions& options) {
  return range_norm("range_norm", tape, x, gamma, beta, running_mean, running_range, options, {});
}

Var range_norm_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                    Tensor& running_range, const NormOptions& options) {
  return range_norm("range_norm_relu", tape, x, gamma, beta, running_mean, running_range, options, {.relu = true});
}

Var range_norm_add_relu(Tape& tape, const Var& x, const Var& gamma, const Var& beta, Tensor& running_mean,
                        Tensor& running_range, const Var& residual, const NormOptions& options) {
  return range_norm("range_norm_add_relu", tape, x, gamma, beta, running_mean, running_range, options,
                    {.relu = true, .residual = &residual});
}

}  // namespace fqt::ops
