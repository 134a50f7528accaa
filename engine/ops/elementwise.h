#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// a + b, equal shapes.
Var add(Tape& tape, const Var& a, const Var& b);

/// x * factor.
Var scale(Tape& tape, const Var& x, float factor);

/// max(x, 0). Gradient 0 at 0.
Var relu(Tape& tape, const Var& x);

/// min(max(x, 0), 6) (Sandler et al. 2018). Gradient 0 at 0 and at 6.
Var relu6(Tape& tape, const Var& x);

/// The same values under another shape.
Var reshape(Tape& tape, const Var& x, Shape shape);

/// x[..., C] + bias[C].
Var add_bias(Tape& tape, const Var& x, const Var& bias);

}  // namespace fqt::ops
