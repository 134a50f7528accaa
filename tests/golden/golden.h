#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/module.h"
#include "trainer/safetensors.h"

namespace fqt::test {

/// Of each tensor's largest value: outputs and gradients, and what five steps of training lead to.
inline constexpr double kTolerance = 1e-4, kTrainedTolerance = 1e-3;

/// The tensors of one case of make_golden.py.
class Golden {
 public:
  explicit Golden(const std::string& name);

  /// null where there is none
  const Tensor* find(const std::string& name) const;
  const Tensor& at(const std::string& name) const;
  /// Part `index` of a tensor's outermost axis.
  Tensor part(const std::string& name, int64_t index) const;
  std::vector<int32_t> labels(const Tensor& tensor) const { return {tensor.values().begin(), tensor.values().end()}; }
  /// Tensors whose names begin so.
  size_t count(const std::string& prefix) const;
  const std::string& metadata(const std::string& key) const { return file_.metadata.at(key); }

 private:
  trainer::TensorFile file_;
};

double largest(const Tensor& tensor);

/// Every element to `tolerance` of the tensor's largest, or of `floor` where that is more.
void check_close(const std::string& what, const Tensor& actual, const Tensor& expected, double tolerance,
                 double floor = 0);

/// Gives every parameter the value the file has for it.
void load(const Golden& golden, layers::Module& module);

/// All gradients. Some are 0 but for rounding (of a key's bias: the softmax does not see it), so that all are measured
/// by no less than a thousandth of the largest of them.
void check_gradients(const Golden& golden, layers::Module& module);

}  // namespace fqt::test
