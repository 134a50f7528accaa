#pragma once

#include <string_view>

#include "engine/ops/activation.h"
#include "layers/attention.h"
#include "layers/dropout.h"
#include "layers/layer_norm.h"

namespace fqt::layers {

struct TransformerBlockOptions {
  int64_t width = 1, heads = 1;
  int64_t feed_forward = 1;              ///< width of the inner layer
  std::string_view activation = "relu";  ///< a row of ops::activations()
  double dropout = 0;                    ///< of what is added to the residual
  int block = 0;                         ///< see quant::Site
  double standard_deviation = 0.02;      ///< of weights at the start
  double out_standard_deviation = 0.02;  ///< of those whose products are added to the residual
};

/// A decoder's block with its norms in front (pre-norm, as GPT-2): x + attention(norm1(x)), and to that
/// linear2(activation(linear1(norm2(.)))) is added. [B, T, width] -> [B, T, width].
class TransformerBlock : public Module {
 public:
  TransformerBlock(const std::string& name, const TransformerBlockOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override { return {&norm1_, &attention_, &norm2_, &linear1_, &linear2_}; }

 private:
  const ops::Activation* activation_;
  LayerNorm norm1_, norm2_;
  Attention attention_;
  Linear linear1_, linear2_;
  Dropout dropout1_, dropout2_;
};

}  // namespace fqt::layers
