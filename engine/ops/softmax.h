#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

struct SoftmaxOptions {
  float scale = 1;  ///< what x is multiplied by first
  /// Row i of each matrix sees its columns 0 ... i alone: the others are as if they held -infinity, and come out 0.
  bool causal = false;
};

/// exp(scale * x) over its sum, along the last axis of x [..., rows, columns]. Error(usage) unless the rank is at least
/// 2, and for a causal mask over matrices with more columns than rows.
Var softmax(Tape& tape, const Var& x, const SoftmaxOptions& options);

}  // namespace fqt::ops
