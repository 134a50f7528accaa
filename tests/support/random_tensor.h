#pragma once

#include "engine/tensor.h"

namespace fqt::test {

/// Uniform values in [low, high), the same for the same seed.
Tensor random_tensor(const Shape& shape, uint64_t seed, float low, float high);

}  // namespace fqt::test
