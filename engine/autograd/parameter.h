#pragma once

#include <string>

#include "engine/tensor.h"

namespace fqt {

/// What the axes of a parameter mean, for those who have them in another order.
enum class ParameterLayout {
  plain,        ///< vectors, and tables whose rows are looked up
  matrix,       ///< [in, out], as it is multiplied
  convolution,  ///< [kernel, kernel, in / groups, out]
};

/// A trained tensor: the float32 master weights and the gradient the tape adds into.
struct Parameter {
  std::string name;  ///< unique in a model: "stage1.block0.conv1.weight"
  Tensor value;
  Tensor grad;  ///< undefined until the first backward pass after zero_grad
  /// How it starts: N(0, standard_deviation); where that is 0 uniform in [-uniform, uniform); where both are,
  /// `start_value`.
  double standard_deviation = 0;
  double uniform = 0;
  float start_value = 0;
  ParameterLayout layout = ParameterLayout::plain;

  void zero_grad() { grad = Tensor(); }
};

}  // namespace fqt
