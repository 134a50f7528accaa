#pragma once

#include <functional>
#include <string>
#include <vector>

#include "quant/context.h"
#include "quant/site.h"

namespace fqt::layers {

/// A tensor that is part of a model's state without being trained: running statistics and ranges.
struct NamedBuffer {
  std::string name;
  Tensor* tensor;
};

/// A layer, or layers composed. Children and state are listed in a fixed order, from input to output.
class Module {
 public:
  virtual ~Module() = default;
  virtual Var forward(const quant::Context& context, const Var& x) = 0;

  /// Parameters, buffers and sites of this module and all below it.
  std::vector<Parameter*> parameters();
  std::vector<NamedBuffer> buffers();
  /// What is carried from one batch to the next without being part of the weights: the hidden state of a recurrent
  /// layer. Undefined tensors: nothing has been seen yet.
  std::vector<NamedBuffer> states();
  std::vector<quant::Site*> sites();

 protected:
  virtual std::vector<Module*> children() { return {}; }
  virtual std::vector<Parameter*> own_parameters() { return {}; }
  virtual std::vector<NamedBuffer> own_buffers() { return {}; }
  virtual std::vector<NamedBuffer> own_states() { return {}; }
  virtual std::vector<quant::Site*> own_sites() { return {}; }
};

/// Gives every parameter its starting value, from the seed and its own name.
void initialize(Module& module, uint64_t seed);

/// xxh3 over the names, shapes and values of all parameters and then all buffers, in order.
uint64_t weights_hash(Module& module);

}  // namespace fqt::layers
