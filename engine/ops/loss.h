#pragma once

#include <cstdint>
#include <span>

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// Mean over the rows of -log softmax(logits)[label]: logits [N, classes] -> one value. With label smoothing (Szegedy
/// et al. 2016, as PyTorch has it) the row's loss is (1 - smoothing) of that and `smoothing` of the mean of -log
/// softmax(logits) over all classes. Error(usage) for a label outside [0, classes) and a smoothing outside [0, 1);
/// Error(data) where the mean is not finite.
Var cross_entropy(Tape& tape, const Var& logits, std::span<const int32_t> labels, double smoothing = 0);

/// Rows whose label is among the `top` largest logits, earlier classes first among equals. A row whose label's logit is
/// NaN is not counted; another that is NaN counts as larger. Error(usage) unless top >= 1.
int64_t count_correct(const Tensor& logits, std::span<const int32_t> labels, int64_t top = 1);

}  // namespace fqt::ops
