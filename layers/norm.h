#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/ops/norm.h"
#include "layers/module.h"

namespace fqt::layers {

/// Normalization of every channel (the last axis): by the batch's statistics in training, by running ones in
/// evaluation. `name.gamma` starts at 1, `name.beta` at 0, both [channels].
class Norm : public Module {
 public:
  /// relu(forward(x)), in one pass.
  virtual Var forward_relu(const quant::Context& context, const Var& x) = 0;
  /// relu(forward(x) + residual), in one pass.
  virtual Var forward_add_relu(const quant::Context& context, const Var& x, const Var& residual) = 0;

  /// gamma's starting value, where it is not to be 1.
  void start_gamma(float value) { gamma_.start_value = value; }

 protected:
  Norm(const std::string& name, int64_t channels);
  std::vector<Parameter*> own_parameters() override { return {&gamma_, &beta_}; }
  static ops::NormOptions options(const quant::Context& context);

  Parameter gamma_, beta_;
};

/// One kind of norm that models can be built with.
struct NormKind {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Norm> (*make)(const std::string& name, int64_t channels);
};

std::span<const NormKind> norm_kinds();

/// Error(usage) that lists the kinds where there is none called `kind`.
std::unique_ptr<Norm> make_norm(std::string_view kind, const std::string& name, int64_t channels);

}  // namespace fqt::layers
