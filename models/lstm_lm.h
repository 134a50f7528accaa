#pragma once

#include <memory>
#include <vector>

#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "models/zoo.h"

namespace fqt::models {

/// The language model of Zaremba, Sutskever and Vinyals ("Recurrent neural network regularization", 2014): an embedding
/// of width `hidden`, `depth` LSTM layers of that width, a linear head with bias; dropout of the embedding and of each
/// layer's output, never from one time step to the next. Embedding and head start uniform in +-0.1.
/// Tokens [B, T] -> logits [B * T, vocabulary]. The state is carried from one batch to the next, see layers::Lstm.
class LstmLm : public layers::Module {
 public:
  explicit LstmLm(const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& tokens) override;

 protected:
  std::vector<Module*> children() override;

 private:
  layers::Embedding embedding_;
  layers::Dropout dropout_;
  std::vector<std::unique_ptr<layers::Lstm>> layers_;
  std::vector<layers::Dropout> dropouts_;
  layers::Linear head_;
};

std::unique_ptr<layers::Module> build_lstm_lm(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
