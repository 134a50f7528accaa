#pragma once

#include "layers/linear.h"

namespace fqt::layers {

struct AttentionOptions {
  int64_t width = 1, heads = 1;
  int block = 0;                         ///< see quant::Site
  double standard_deviation = 0.02;      ///< of q, k and v at the start
  double out_standard_deviation = 0.02;  ///< of the projection behind them
};

/// Causal multi-head self-attention (Vaswani et al. 2017): [B, T, width] -> [B, T, width]. With d = width / heads and
/// for each head, softmax(Q K^T / sqrt(d)) V, in which a position sees itself and those before it, then a projection.
/// What a position does not see is masked in the softmax; Q K^T and P V are whole products.
///
/// Six sites: the linear layers `name.q`, `name.k`, `name.v` and `name.out`, apart so that each weight and each
/// gradient has a range of its own, and `name.scores` (Q K^T) and `name.values` (P V), of which both operands are
/// activations.
class Attention : public Module {
 public:
  /// Error(usage) where the heads do not divide the width.
  Attention(const std::string& name, const AttentionOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override { return {&q_, &k_, &v_, &out_}; }
  std::vector<NamedBuffer> own_buffers() override;
  std::vector<quant::Site*> own_sites() override { return {&scores_, &values_}; }

 private:
  std::string name_;
  AttentionOptions options_;
  Linear q_, k_, v_, out_;
  quant::Site scores_, values_;
};

}  // namespace fqt::layers
