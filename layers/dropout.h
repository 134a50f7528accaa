#pragma once

#include "layers/module.h"

namespace fqt::layers {

/// Dropout of a share `p` of the values in training, as ops::dropout; nothing in evaluation. What is dropped is a
/// function of the run's seed, the step and the layer's name. Call it once a step.
class Dropout : public Module {
 public:
  /// Error(usage) unless 0 <= p < 1.
  Dropout(const std::string& name, double p);
  Var forward(const quant::Context& context, const Var& x) override;

 private:
  uint64_t key_;
  double p_;
};

}  // namespace fqt::layers
