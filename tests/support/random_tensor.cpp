#include "support/random_tensor.h"

#include "engine/random.h"

namespace fqt::test {

Tensor random_tensor(const Shape& shape, uint64_t seed, float low, float high) {
  Tensor tensor(shape);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = low + (high - low) * random_uniform({seed, 0}, static_cast<uint64_t>(i));
  return tensor;
}

}  // namespace fqt::test
