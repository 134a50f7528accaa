#include "layers/attention.h"

#include <cmath>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/sequence.h"
#include "engine/ops/softmax.h"
#include "quant/product.h"

namespace fqt::layers {
namespace {

LinearOptions projection(const AttentionOptions& attention, double standard_deviation) {
  LinearOptions options;
  options.in_features = options.out_features = attention.width;
  options.block = attention.block;
  options.standard_deviation = standard_deviation;
  return options;
}

}  // namespace

Attention::Attention(const std::string& name, const AttentionOptions& options)
    : name_(name),
      options_(options),
      q_(name + ".q", projection(options, options.standard_deviation)),
      k_(name + ".k", projection(options, options.standard_deviation)),
      v_(name + ".v", projection(options, options.standard_deviation)),
      out_(name + ".out", projection(options, options.out_standard_deviation)),
      scores_(quant::activation_site(name + ".scores", "attention")),
      values_(quant::activation_site(name + ".values", "attention")) {
  check(options.heads >= 1 && options.width % options.heads == 0,
        "[attention] '{}': {} heads do not divide a width of {}", name, options.heads, options.width);
  scores_.block = values_.block = options.block;
}

std::vector<NamedBuffer> Attention::own_buffers() {
  return {{scores_.name + ".lhs_range", &scores_.lhs_range},
          {scores_.name + ".rhs_range", &scores_.rhs_range},
          {values_.name + ".lhs_range", &values_.lhs_range},
          {values_.name + ".rhs_range", &values_.rhs_range}};
}

Var Attention::forward(const quant::Context& context, const Var& x) {
  check(x.value().rank() == 3 && x.value().dim(2) == options_.width,
        "[attention] '{}': input has shape {}, expected [B, T, {}]", name_, to_string(x.shape()), options_.width);
  Tape& tape = context.tape;
  const int64_t steps = x.value().dim(1), heads = options_.heads;
  const Var rows = ops::reshape(tape, x, {-1, options_.width});
  const auto split = [&](Linear& layer) { return ops::split_heads(tape, layer.forward(context, rows), steps, heads); };
  const Var q = split(q_), k = split(k_), v = split(v_);
  ops::SoftmaxOptions softmax;
  softmax.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(options_.width / heads)));
  softmax.causal = true;
  const Var scores = quant::batched_product(context, scores_, q, k, quant::Transposed::yes);
  const Var shares = ops::softmax(tape, scores, softmax);
  const Var values = quant::batched_product(context, values_, shares, v, quant::Transposed::no);
  return ops::reshape(tape, out_.forward(context, ops::merge_heads(tape, values, heads)), x.shape());
}

}  // namespace fqt::layers
