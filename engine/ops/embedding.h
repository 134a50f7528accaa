#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// Rows of weight [V, d] by number: ids of any shape with n elements, whole numbers below V held in float32 -> [n, d].
/// The gradient of a row is the sum over its ids, in their order. Error(usage) for other shapes; Error(data) for an id
/// that is no whole number in [0, V).
Var embedding(Tape& tape, const Var& weight, const Tensor& ids);

}  // namespace fqt::ops
