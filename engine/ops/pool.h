#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// Mean over height and width: [N, H, W, C] -> [N, C].
Var global_avg_pool(Tape& tape, const Var& x);

/// Largest value of each window of `window` x `window`, moved by `stride`, no padding: [N, H, W, C] -> [N, H', W', C].
/// Among equal values the first in row order takes the gradient.
Var max_pool(Tape& tape, const Var& x, int64_t window, int64_t stride);

}  // namespace fqt::ops
