#pragma once

#include <vector>

#include "engine/autograd/parameter.h"

namespace fqt::optim {

/// Scales all gradients by max_norm / norm where their Euclidean norm, over all parameters together, is above max_norm
/// (Pascanu, Mikolov and Bengio 2013). Returns the norm before: a sum in float64 in a fixed order. Parameters without a
/// gradient count 0. Error(usage) unless max_norm > 0; Error(data) where the norm is not finite.
double clip_gradients(const std::vector<Parameter*>& parameters, double max_norm);

}  // namespace fqt::optim
