#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/autograd/parameter.h"

namespace fqt::optim {

/// A tensor of an optimizer's state.
struct NamedTensor {
  std::string name;
  Tensor* tensor;
};

/// Turns gradients into new weights. Parameters without a gradient are left alone.
class Optimizer {
 public:
  explicit Optimizer(std::vector<Parameter*> parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;
  virtual void step(double learning_rate) = 0;
  /// All that the next step depends on beside weights and gradients, in a fixed order: what a checkpoint holds.
  virtual std::vector<NamedTensor> state() = 0;
  /// Undefines every parameter's gradient.
  void zero_grad();

 protected:
  std::vector<Parameter*> parameters_;
};

/// What optimizers can be told. Each reads what it knows.
struct OptimizerOptions {
  double momentum = 0.9;       ///< sgd
  double beta1 = 0.9;          ///< adam, adamw
  double beta2 = 0.999;        ///< adam, adamw
  double epsilon = 1e-8;       ///< adam, adamw
  double weight_decay = 1e-4;  ///< all
};

struct OptimizerKind {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Optimizer> (*make)(std::vector<Parameter*> parameters, const OptimizerOptions& options);
};

/// sgd, adam, adamw.
std::span<const OptimizerKind> optimizers();
/// Error(usage) with the known names where there is no such optimizer.
const OptimizerKind& find_optimizer(std::string_view name);

}  // namespace fqt::optim
