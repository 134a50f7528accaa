#include "models/transformer_lm.h"

#include <cmath>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "layers/positions.h"
#include "quant/product.h"

namespace fqt::models {
namespace {

constexpr double kDeviation = 0.02;

layers::TransformerBlockOptions block(const ModelOptions& model, int64_t index) {
  layers::TransformerBlockOptions options;
  options.width = model.hidden;
  options.heads = model.heads;
  options.feed_forward = model.feed_forward;
  options.activation = model.activation;
  options.dropout = model.dropout;
  options.block = static_cast<int>(index) + 1;
  options.standard_deviation = kDeviation;
  options.out_standard_deviation = kDeviation / std::sqrt(2 * static_cast<double>(model.depth));
  return options;
}

}  // namespace

TiedHead::TiedHead(const std::string& name, Parameter& weight, int block)
    : weight_(&weight), site_(name, quant::SiteRole::body, "linear") {
  site_.block = block;
}

Var TiedHead::forward(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  const int64_t words = weight_->value.dim(0), width = weight_->value.dim(1);
  const Var rows = ops::reshape(tape, x, {1, -1, width});
  const Var weight = ops::reshape(tape, tape.parameter(*weight_), {1, words, width});
  return ops::reshape(tape, quant::batched_product(context, site_, rows, weight, quant::Transposed::yes), {-1, words});
}

TransformerLm::TransformerLm(const ModelOptions& options)
    : embedding_scale_(options.positions == "sinusoidal"
                           ? static_cast<float>(std::sqrt(static_cast<double>(options.hidden)))
                           : 1.0f),
      embedding_("embedding", {.words = options.classes, .width = options.hidden, .standard_deviation = kDeviation}),
      positions_(
          layers::make_positions(options.positions, "positions", {options.sequence, options.hidden, kDeviation})),
      dropout_("dropout", options.dropout),
      norm_("norm", options.hidden),
      head_("head", embedding_.weight(), static_cast<int>(options.depth) + 1) {
  check(options.depth >= 1 && options.hidden >= 1, "[transformer_lm] {} blocks of width {}; give at least 1 of each",
        options.depth, options.hidden);
  for (int64_t index = 0; index < options.depth; ++index)
    blocks_.push_back(std::make_unique<layers::TransformerBlock>(fmt::format("block{}", index), block(options, index)));
}

Var TransformerLm::forward(const quant::Context& context, const Var& tokens) {
  Tape& tape = context.tape;
  Var x = embedding_.forward(context, tokens);
  if (embedding_scale_ != 1) x = ops::scale(tape, x, embedding_scale_);
  x = dropout_.forward(context, positions_->forward(context, x));
  for (const auto& block : blocks_) x = block->forward(context, x);
  x = norm_.forward(context, x);
  return head_.forward(context, ops::reshape(tape, x, {-1, x.value().dim(-1)}));
}

std::vector<layers::Module*> TransformerLm::children() {
  std::vector<Module*> all{&embedding_, positions_.get()};
  for (const auto& block : blocks_) all.push_back(block.get());
  all.insert(all.end(), {&norm_, &head_});
  return all;
}

std::unique_ptr<layers::Module> build_transformer_lm(std::string_view /*name*/, const ModelOptions& options) {
  return std::make_unique<TransformerLm>(options);
}

}  // namespace fqt::models
