#include "layers/transformer_block.h"

#include "engine/ops/elementwise.h"

namespace fqt::layers {
namespace {

AttentionOptions attention(const TransformerBlockOptions& block) {
  AttentionOptions options;
  options.width = block.width;
  options.heads = block.heads;
  options.block = block.block;
  options.standard_deviation = block.standard_deviation;
  options.out_standard_deviation = block.out_standard_deviation;
  return options;
}

LinearOptions linear(const TransformerBlockOptions& block, int64_t in, int64_t out, double standard_deviation) {
  LinearOptions options;
  options.in_features = in;
  options.out_features = out;
  options.block = block.block;
  options.standard_deviation = standard_deviation;
  return options;
}

}  // namespace

TransformerBlock::TransformerBlock(const std::string& name, const TransformerBlockOptions& options)
    : activation_(&ops::find_activation(options.activation)),
      norm1_(name + ".norm1", options.width),
      norm2_(name + ".norm2", options.width),
      attention_(name + ".attention", attention(options)),
      linear1_(name + ".linear1", linear(options, options.width, options.feed_forward, options.standard_deviation)),
      linear2_(name + ".linear2", linear(options, options.feed_forward, options.width, options.out_standard_deviation)),
      dropout1_(name + ".dropout1", options.dropout),
      dropout2_(name + ".dropout2", options.dropout) {}

Var TransformerBlock::forward(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  const Var attended = attention_.forward(context, norm1_.forward(context, x));
  const Var middle = ops::add(tape, x, dropout1_.forward(context, attended));
  const Var rows = ops::reshape(tape, norm2_.forward(context, middle), {-1, x.value().dim(-1)});
  const Var inner = activation_->apply(tape, linear1_.forward(context, rows));
  const Var fed = ops::reshape(tape, linear2_.forward(context, inner), x.shape());
  return ops::add(tape, middle, dropout2_.forward(context, fed));
}

}  // namespace fqt::layers
