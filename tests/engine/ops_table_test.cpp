#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/norm.h"
#include "engine/ops/pool.h"
#include "engine/ops/range_norm.h"
#include "support/gradient_check.h"

using namespace fqt;
using test::Doubles;
using test::OpRow;
using Inputs = std::vector<Doubles>;
using Vars = std::vector<Var>;

namespace {

const ops::NormOptions kTraining{};
const ops::NormOptions kEvaluation{.training = false};
const std::vector<int32_t> kLabels{2, 0, 4};

/// Running statistics for norms in evaluation: mean c / 4, variance (of batch norm) or range 1 + c.
struct Running {
  Tensor mean, spread;
  explicit Running(int64_t channels) : mean({channels}), spread({channels}) {
    for (int64_t c = 0; c < channels; ++c) {
      mean.data()[c] = 0.25f * static_cast<float>(c);
      spread.data()[c] = 1.0f + static_cast<float>(c);
    }
  }
};

Doubles relu(Doubles x) {
  for (double& value : x) value = std::max(value, 0.0);
  return x;
}

Doubles add(Doubles a, const Doubles& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

Doubles batch_norm(const Inputs& in, bool training) {
  const size_t channels = in[1].size(), rows = in[0].size() / channels;
  const Running running(static_cast<int64_t>(channels));
  Doubles y(in[0].size());
  for (size_t c = 0; c < channels; ++c) {
    double mean = 0, var = 0;
    for (size_t r = 0; r < rows; ++r) mean += in[0][r * channels + c] / static_cast<double>(rows);
    for (size_t r = 0; r < rows; ++r) var += std::pow(in[0][r * channels + c] - mean, 2) / static_cast<double>(rows);
    if (!training) mean = running.mean.data()[c];
    if (!training) var = running.spread.data()[c];
    for (size_t r = 0; r < rows; ++r)
      y[r * channels + c] = in[1][c] * (in[0][r * channels + c] - mean) / std::sqrt(var + 1e-5) + in[2][c];
  }
  return y;
}

Var run_batch_norm(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::batch_norm(tape, in[0], in[1], in[2], running.mean, running.spread, options);
}

Var run_batch_norm_relu(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::batch_norm_relu(tape, in[0], in[1], in[2], running.mean, running.spread, options);
}

Var run_batch_norm_add_relu(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::batch_norm_add_relu(tape, in[0], in[1], in[2], running.mean, running.spread, in[3], options);
}

Doubles range_norm(const Inputs& in, bool training) {
  const size_t channels = in[1].size(), rows = in[0].size() / channels;
  const Running running(static_cast<int64_t>(channels));
  const double n = static_cast<double>(rows) / 16;
  const double constant = 0.175 * (1 + std::sqrt(std::acos(-1) * std::log(4))) / std::sqrt(2 * std::log(n));
  Doubles y(in[0].size());
  for (size_t c = 0; c < channels; ++c) {
    double mean = 0, range = 0;
    for (size_t r = 0; r < rows; ++r) mean += in[0][r * channels + c] / static_cast<double>(rows);
    for (size_t chunk = 0; chunk < 16; ++chunk) {
      double high = -1e9, low = 1e9;
      for (size_t r = chunk * rows / 16; r < (chunk + 1) * rows / 16; ++r) {
        high = std::max(high, in[0][r * channels + c]);
        low = std::min(low, in[0][r * channels + c]);
      }
      range += (high - low) / 16;
    }
    if (!training) mean = running.mean.data()[c];
    const double deviation = training ? constant * range : running.spread.data()[c];
    for (size_t r = 0; r < rows; ++r)
      y[r * channels + c] = in[1][c] * (in[0][r * channels + c] - mean) / (deviation + 1e-5) + in[2][c];
  }
  return y;
}

Var run_range_norm(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::range_norm(tape, in[0], in[1], in[2], running.mean, running.spread, options);
}

Var run_range_norm_relu(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::range_norm_relu(tape, in[0], in[1], in[2], running.mean, running.spread, options);
}

Var run_range_norm_add_relu(Tape& tape, const Vars& in, const ops::NormOptions& options) {
  Running running(in[1].value().size());
  return ops::range_norm_add_relu(tape, in[0], in[1], in[2], running.mean, running.spread, in[3], options);
}

Doubles bias(const Inputs& in) {
  Doubles y = in[0];
  for (size_t i = 0; i < y.size(); ++i) y[i] += in[1][i % in[1].size()];
  return y;
}

/// [2, 3, 4, 5] -> [2, 5]
Doubles average(const Inputs& in) {
  Doubles y(10);
  for (size_t i = 0; i < 120; ++i) y[i / 60 * 5 + i % 5] += in[0][i] / 12;
  return y;
}

/// [2, 5, 6, 3] -> [2, h, w, 3]
Doubles maximum(const Inputs& in, int64_t window, int64_t stride, int64_t padding) {
  Doubles y;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t top = -padding; top + window <= 5 + padding; top += stride)
      for (int64_t left = -padding; left + window <= 6 + padding; left += stride)
        for (int64_t c = 0; c < 3; ++c) {
          double best = -1e9;
          for (int64_t i = std::max<int64_t>(top, 0); i < std::min<int64_t>(top + window, 5); ++i)
            for (int64_t j = std::max<int64_t>(left, 0); j < std::min<int64_t>(left + window, 6); ++j)
              best = std::max(best, in[0][static_cast<size_t>(((n * 5 + i) * 6 + j) * 3 + c)]);
          y.push_back(best);
        }
  return y;
}

/// [2, 2, 3, 2] -> [2, 6, 9, 2]
Doubles threefold(const Inputs& in) {
  Doubles y;
  for (size_t n = 0; n < 2; ++n)
    for (size_t i = 0; i < 6; ++i)
      for (size_t j = 0; j < 9; ++j)
        for (size_t c = 0; c < 2; ++c) y.push_back(in[0][((n * 2 + i / 3) * 3 + j / 3) * 2 + c]);
  return y;
}

/// Values around both bends: in [-1, 1] as they come, stretched to [-9, 9].
Doubles relu6_of_9x(Doubles x) {
  for (double& value : x) value = std::min(std::max(9 * value, 0.0), 6.0);
  return x;
}

/// Logits [3, 5].
Doubles cross_entropy(const Inputs& in) {
  double loss = 0;
  for (size_t row = 0; row < 3; ++row) {
    double total = 0;
    for (size_t i = 0; i < 5; ++i) total += std::exp(in[0][row * 5 + i]);
    loss += (std::log(total) - in[0][row * 5 + static_cast<size_t>(kLabels[row])]) / 3;
  }
  return {loss};
}

const std::vector<OpRow>& layer_rows() {
  static const std::vector<OpRow> table{
      {"add",
       {{2, 3}, {2, 3}},
       [](Tape& tape, const Vars& in) { return ops::add(tape, in[0], in[1]); },
       [](const Inputs& in) { return add(in[0], in[1]); }},
      {"relu",
       {{5, 7}},
       [](Tape& tape, const Vars& in) { return ops::relu(tape, in[0]); },
       [](const Inputs& in) { return relu(in[0]); }},
      {"relu6",
       {{5, 7}},
       [](Tape& tape, const Vars& in) { return ops::relu6(tape, ops::scale(tape, in[0], 9)); },
       [](const Inputs& in) { return relu6_of_9x(in[0]); }},
      {"reshape",
       {{2, 6}},
       [](Tape& tape, const Vars& in) {
         return ops::reshape(tape, in[0], {3, -1});
       },
       [](const Inputs& in) { return in[0]; }},
      {"add_bias",
       {{3, 2, 5}, {5}},
       [](Tape& tape, const Vars& in) { return ops::add_bias(tape, in[0], in[1]); },
       bias},
      {"batch_norm",
       {{2, 3, 2, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_batch_norm(tape, in, kTraining); },
       [](const Inputs& in) { return batch_norm(in, true); }},
      {"batch_norm, more than a chunk and a block",
       {{33, 19}, {19}, {19}},
       [](Tape& tape, const Vars& in) { return run_batch_norm(tape, in, kTraining); },
       [](const Inputs& in) { return batch_norm(in, true); }},
      {"batch_norm in evaluation",
       {{4, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_batch_norm(tape, in, kEvaluation); },
       [](const Inputs& in) { return batch_norm(in, false); }},
      {"batch_norm_relu",
       {{2, 3, 2, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_batch_norm_relu(tape, in, kTraining); },
       [](const Inputs& in) { return relu(batch_norm(in, true)); }},
      {"batch_norm_add_relu",
       {{2, 3, 2, 3}, {3}, {3}, {2, 3, 2, 3}},
       [](Tape& tape, const Vars& in) { return run_batch_norm_add_relu(tape, in, kTraining); },
       [](const Inputs& in) { return relu(add(batch_norm(in, true), in[3])); }},
      {"range_norm",
       {{4, 2, 4, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_range_norm(tape, in, kTraining); },
       [](const Inputs& in) { return range_norm(in, true); }},
      {"range_norm, more than a block, and chunks of unequal lengths",
       {{53, 19}, {19}, {19}},
       [](Tape& tape, const Vars& in) { return run_range_norm(tape, in, kTraining); },
       [](const Inputs& in) { return range_norm(in, true); }},
      {"range_norm in evaluation",
       {{4, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_range_norm(tape, in, kEvaluation); },
       [](const Inputs& in) { return range_norm(in, false); }},
      {"range_norm_relu",
       {{4, 3, 4, 3}, {3}, {3}},
       [](Tape& tape, const Vars& in) { return run_range_norm_relu(tape, in, kTraining); },
       [](const Inputs& in) { return relu(range_norm(in, true)); }},
      {"range_norm_add_relu",
       {{4, 3, 4, 3}, {3}, {3}, {4, 3, 4, 3}},
       [](Tape& tape, const Vars& in) { return run_range_norm_add_relu(tape, in, kTraining); },
       [](const Inputs& in) { return relu(add(range_norm(in, true), in[3])); }},
      {"range_norm_add_relu in evaluation",
       {{4, 3}, {3}, {3}, {4, 3}},
       [](Tape& tape, const Vars& in) { return run_range_norm_add_relu(tape, in, kEvaluation); },
       [](const Inputs& in) { return relu(add(range_norm(in, false), in[3])); }},
      {"global_avg_pool",
       {{2, 3, 4, 5}},
       [](Tape& tape, const Vars& in) { return ops::global_avg_pool(tape, in[0]); },
       average},
      {"max_pool 2, 2",
       {{2, 5, 6, 3}},
       [](Tape& tape, const Vars& in) { return ops::max_pool(tape, in[0], 2, 2); },
       [](const Inputs& in) { return maximum(in, 2, 2, 0); }},
      {"max_pool 3, 1",
       {{2, 5, 6, 3}},
       [](Tape& tape, const Vars& in) { return ops::max_pool(tape, in[0], 3, 1); },
       [](const Inputs& in) { return maximum(in, 3, 1, 0); }},
      {"max_pool 3, 2, padded by 1",
       {{2, 5, 6, 3}},
       [](Tape& tape, const Vars& in) { return ops::max_pool(tape, in[0], 3, 2, 1); },
       [](const Inputs& in) { return maximum(in, 3, 2, 1); }},
      {"upsample 3",
       {{2, 2, 3, 2}},
       [](Tape& tape, const Vars& in) { return ops::upsample(tape, in[0], 3); },
       threefold},
      {"cross_entropy",
       {{3, 5}},
       [](Tape& tape, const Vars& in) { return ops::cross_entropy(tape, in[0], kLabels); },
       cross_entropy},
  };
  return table;
}

}  // namespace

TEST_CASE("ops: every operation agrees with its formula, and its gradient with float64 differences") {
  for (const OpRow& row : layer_rows()) test::check_op(row);
}
