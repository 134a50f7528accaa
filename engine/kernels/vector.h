#pragma once

#include <cstdint>

namespace fqt::kernels {

/// Loops over float vectors that training spends time in. One source (vector.inl) is compiled for every instruction
/// set: additions, multiplications, divisions and comparisons in a fixed order, which round the same everywhere.
struct VectorKernels {
  /// sum[i] += term[i]
  void (*add)(float* sum, const float* term, int64_t count);
};

}  // namespace fqt::kernels
