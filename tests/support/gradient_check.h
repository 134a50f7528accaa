#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/autograd/tape.h"

namespace fqt::test {

using Doubles = std::vector<double>;

/// One operation beside its formula. A row is all that a new operation needs to have its values and gradients tested.
struct OpRow {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Var(Tape&, const std::vector<Var>&)> op;
  /// The same in float64, from the definition.
  std::function<Doubles(const std::vector<Doubles>&)> reference;
};

/// Runs a row on random inputs, all different and none of them 0, so that a kink at 0 or at equal values is no nearer
/// than the step of the differences: the values against the reference to 1e-5, and the gradients of a random weighting
/// of the values against central differences of the reference in float64 to 1e-4, both relative to the largest.
void check_op(const OpRow& row);

}  // namespace fqt::test
