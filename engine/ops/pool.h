#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// Mean over height and width: [N, H, W, C] -> [N, C].
Var global_avg_pool(Tape& tape, const Var& x);

/// Largest value of each window of `window` x `window`, moved by `stride`: [N, H, W, C] -> [N, H', W', C]. Windows may
/// reach `padding` pixels over each edge, where nothing counts; 0 <= padding <= window / 2. Among equal values the
/// first in row order takes the gradient.
Var max_pool(Tape& tape, const Var& x, int64_t window, int64_t stride, int64_t padding = 0);

/// Every pixel `factor` x `factor` times (nearest neighbour): [N, H, W, C] -> [N, factor H, factor W, C].
Var upsample(Tape& tape, const Var& x, int64_t factor);

}  // namespace fqt::ops
