#pragma once

#include <memory>
#include <vector>

#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/layer_norm.h"
#include "layers/transformer_block.h"
#include "models/zoo.h"

namespace fqt::models {

/// A head whose weight is an embedding's [words, width], read transposed where it lies: [N, width] -> [N, words]. One
/// scale for the weight, also where a recipe gives weights one a channel.
class TiedHead : public layers::Module {
 public:
  /// `weight` must outlive the head.
  TiedHead(const std::string& name, Parameter& weight, int block);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<layers::NamedBuffer> own_buffers() override { return {{site_.name + ".lhs_range", &site_.lhs_range}}; }
  std::vector<quant::Site*> own_sites() override { return {&site_}; }

 private:
  Parameter* weight_;
  quant::Site site_;
};

/// A decoder-only Transformer: embedding and positions, dropout, `depth` blocks, a last layer norm (`norm`), and a head
/// that is the embedding's weight transposed, without bias. Tokens [B, T] -> logits [B * T, vocabulary].
///
/// Starting values are GPT-2's (Radford et al. 2019): N(0, 0.02), and 0.02 / sqrt(2 depth) for the two projections of a
/// block that are added to the residual; biases 0. Sinusoidal positions, which have an amplitude of 1, meet embeddings
/// times sqrt(hidden), as in Vaswani et al. (2017); learned ones start as small as the embeddings, which stay as they
/// are.
class TransformerLm : public layers::Module {
 public:
  explicit TransformerLm(const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& tokens) override;

 protected:
  std::vector<Module*> children() override;

 private:
  float embedding_scale_;
  layers::Embedding embedding_;
  std::unique_ptr<layers::Module> positions_;
  layers::Dropout dropout_;
  std::vector<std::unique_ptr<layers::TransformerBlock>> blocks_;
  layers::LayerNorm norm_;
  TiedHead head_;
};

std::unique_ptr<layers::Module> build_transformer_lm(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
