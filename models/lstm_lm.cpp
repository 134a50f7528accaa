#include "models/lstm_lm.h"

#include "engine/check.h"
#include "engine/ops/elementwise.h"

namespace fqt::models {
namespace {

constexpr double kUniform = 0.1;

layers::LinearOptions head(const ModelOptions& model) {
  layers::LinearOptions options;
  options.in_features = model.hidden;
  options.out_features = model.classes;
  options.block = static_cast<int>(model.depth) + 1;
  options.uniform = kUniform;
  return options;
}

}  // namespace

LstmLm::LstmLm(const ModelOptions& options)
    : embedding_("embedding", {.words = options.classes, .width = options.hidden, .uniform = kUniform}),
      dropout_("dropout", options.dropout),
      head_("head", head(options)) {
  check(options.depth >= 1 && options.hidden >= 1, "[lstm_lm] {} layers of width {}; give at least 1 of each",
        options.depth, options.hidden);
  for (int64_t layer = 0; layer < options.depth; ++layer) {
    const std::string name = fmt::format("lstm.layer{}", layer);
    layers_.push_back(std::make_unique<layers::Lstm>(
        name, layers::LstmOptions{options.hidden, options.hidden, static_cast<int>(layer) + 1}));
    dropouts_.emplace_back(name + ".dropout", options.dropout);
  }
}

Var LstmLm::forward(const quant::Context& context, const Var& tokens) {
  Var x = dropout_.forward(context, embedding_.forward(context, tokens));
  for (size_t layer = 0; layer < layers_.size(); ++layer)
    x = dropouts_[layer].forward(context, layers_[layer]->forward(context, x));
  return head_.forward(context, ops::reshape(context.tape, x, {-1, x.value().dim(-1)}));
}

std::vector<layers::Module*> LstmLm::children() {
  std::vector<Module*> all{&embedding_};
  for (const auto& layer : layers_) all.push_back(layer.get());
  all.push_back(&head_);
  return all;
}

std::unique_ptr<layers::Module> build_lstm_lm(std::string_view /*name*/, const ModelOptions& options) {
  return std::make_unique<LstmLm>(options);
}

}  // namespace fqt::models
