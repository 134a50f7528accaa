#include "engine/ops/sequence.h"

#include "engine/check.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

/// Time step t of x [B * T, C].
Tensor step_of(const Tensor& x, int64_t steps, int64_t t) {
  const int64_t width = x.dim(1), sequences = x.dim(0) / steps;
  Tensor y({sequences, width});
  for (int64_t b = 0; b < sequences; ++b) std::copy_n(x.data() + (b * steps + t) * width, width, y.data() + b * width);
  return y;
}

std::vector<Tensor> split_steps(const Tensor& x, int64_t steps) {
  std::vector<Tensor> parts;
  for (int64_t t = 0; t < steps; ++t) parts.push_back(step_of(x, steps, t));
  return parts;
}

/// The steps side by side; undefined ones count as 0.
Tensor join_steps(const std::vector<Tensor>& parts, int64_t sequences, int64_t width) {
  const int64_t steps = static_cast<int64_t>(parts.size());
  Tensor y({sequences * steps, width});
  parallel_for(sequences * steps, grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Tensor& part = parts[static_cast<size_t>(row % steps)];
      if (part.defined())
        std::copy_n(part.data() + row / steps * width, width, y.data() + row * width);
      else
        std::fill_n(y.data() + row * width, width, 0.0f);
    }
  });
  return y;
}

/// Swaps the two middle axes: [a, b, c, d] -> [a, c, b, d].
Tensor swap_middle(const Tensor& x, int64_t a, int64_t b, int64_t c, int64_t d, Shape shape) {
  Tensor y(std::move(shape));
  parallel_for(a * c * b, grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t to = begin; to < end; ++to) {
      const int64_t from = (to / (c * b) * b + to % b) * c + to / b % c;
      std::copy_n(x.data() + from * d, d, y.data() + to * d);
    }
  });
  return y;
}

}  // namespace

std::vector<Var> unstack(Tape& tape, const Var& x, int64_t steps) {
  const profile::Scope scope(profile::Phase::sequence, "unstack");
  check(x.value().rank() == 2 && steps >= 1 && x.value().dim(0) % steps == 0,
        "[unstack] shape {} is no batch of sequences of {} steps", to_string(x.shape()), steps);
  const int64_t sequences = x.value().dim(0) / steps, width = x.value().dim(1);
  return tape.record_all(split_steps(x.value(), steps), {x}, [sequences, width](const std::vector<Tensor>& grads) {
    return std::vector<Tensor>{join_steps(grads, sequences, width)};
  });
}

Var stack(Tape& tape, const std::vector<Var>& steps) {
  const profile::Scope scope(profile::Phase::sequence, "stack");
  check(!steps.empty(), "[stack] no time steps");
  std::vector<Tensor> parts;
  for (const Var& step : steps) {
    check(step.value().rank() == 2 && step.shape() == steps[0].shape(),
          "[stack] time steps of shapes {} and {}; give equal ones, [B, C]", to_string(steps[0].shape()),
          to_string(step.shape()));
    parts.push_back(step.value());
  }
  const int64_t count = static_cast<int64_t>(parts.size());
  return tape.record(join_steps(parts, parts[0].dim(0), parts[0].dim(1)), steps,
                     [count](const Tensor& grad) { return split_steps(grad, count); });
}

Var split_heads(Tape& tape, const Var& x, int64_t steps, int64_t heads) {
  const profile::Scope scope(profile::Phase::sequence, "split_heads");
  check(x.value().rank() == 2 && steps >= 1 && heads >= 1 && x.value().dim(0) % steps == 0 &&
            x.value().dim(1) % heads == 0,
        "[split_heads] shape {} is no batch of sequences of {} steps for {} heads", to_string(x.shape()), steps, heads);
  const int64_t sequences = x.value().dim(0) / steps, width = x.value().dim(1) / heads;
  return tape.record(swap_middle(x.value(), sequences, steps, heads, width, {sequences * heads, steps, width}), {x},
                     [=, shape = x.shape()](const Tensor& grad) {
                       return std::vector<Tensor>{swap_middle(grad, sequences, heads, steps, width, shape)};
                     });
}

Var merge_heads(Tape& tape, const Var& x, int64_t heads) {
  const profile::Scope scope(profile::Phase::sequence, "merge_heads");
  check(x.value().rank() == 3 && heads >= 1 && x.value().dim(0) % heads == 0,
        "[merge_heads] shape {} does not fall into {} heads", to_string(x.shape()), heads);
  const int64_t sequences = x.value().dim(0) / heads, steps = x.value().dim(1), width = x.value().dim(2);
  return tape.record(swap_middle(x.value(), sequences, heads, steps, width, {sequences * steps, heads * width}), {x},
                     [=, shape = x.shape()](const Tensor& grad) {
                       return std::vector<Tensor>{swap_middle(grad, sequences, steps, heads, width, shape)};
                     });
}

}  // namespace fqt::ops
