#include "layers/embedding.h"

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/embedding.h"

namespace fqt::layers {

Embedding::Embedding(const std::string& name, const EmbeddingOptions& options) {
  weight_.name = name + ".weight";
  weight_.value = Tensor({options.words, options.width});
  weight_.standard_deviation = options.standard_deviation;
  weight_.uniform = options.uniform;
}

Var Embedding::forward(const quant::Context& context, const Var& ids) {
  check(ids.value().rank() == 2 && ids.value().size() > 0, "[embedding] '{}': tokens have shape {}, expected [B, T]",
        weight_.name, to_string(ids.shape()));
  const Var rows = ops::embedding(context.tape, context.tape.parameter(weight_), ids.value());
  return ops::reshape(context.tape, rows, {ids.value().dim(0), ids.value().dim(1), weight_.value.dim(1)});
}

}  // namespace fqt::layers
