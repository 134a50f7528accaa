#pragma once

#include <memory>
#include <vector>

#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/layer_norm.h"
#include "layers/transformer_block.h"
#include "models/zoo.h"

namespace fqt::models {

/// A decoder-only Transformer: embedding and positions, dropout, `depth` blocks, a last layer norm (`norm`), and a head
/// that is the embedding's weight transposed, without bias. Tokens [B, T] -> logits [B * T, vocabulary].
///
/// Starting values are GPT-2's (Radford et al. 2019): N(0, 0.02), and 0.02 / sqrt(2 depth) for the two projections of a
/// block that are added to the residual; biases 0. Sinusoidal positions, which have an amplitude of 1, meet embeddings
/// times sqrt(hidden), as in Vaswani et al. (2017); learned ones start as small as the embeddings, which stay as they
/// are.
///
/// The head's site reads the embedding [vocabulary, hidden] in place; it has one scale, also where a recipe gives
/// weights one a channel.
class TransformerLm : public layers::Module {
 public:
  explicit TransformerLm(const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& tokens) override;

 protected:
  std::vector<Module*> children() override;
  std::vector<layers::NamedBuffer> own_buffers() override;
  std::vector<quant::Site*> own_sites() override { return {&head_}; }

 private:
  Var head(const quant::Context& context, const Var& x);

  float embedding_scale_;
  layers::Embedding embedding_;
  std::unique_ptr<layers::Module> positions_;
  layers::Dropout dropout_;
  std::vector<std::unique_ptr<layers::TransformerBlock>> blocks_;
  layers::LayerNorm norm_;
  quant::Site head_;
};

std::unique_ptr<layers::Module> build_transformer_lm(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
