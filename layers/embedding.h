#pragma once

#include "layers/module.h"

namespace fqt::layers {

struct EmbeddingOptions {
  int64_t words = 1, width = 1;
  double standard_deviation = 0;  ///< how the weight starts, as Parameter has it
  double uniform = 0;
};

/// A row of `name.weight` [words, width] for each token: ids [B, T] -> [B, T, width]. No product and no site.
class Embedding : public Module {
 public:
  Embedding(const std::string& name, const EmbeddingOptions& options);
  Var forward(const quant::Context& context, const Var& ids) override;
  /// To be shared by a head.
  Parameter& weight() { return weight_; }

 protected:
  std::vector<Parameter*> own_parameters() override { return {&weight_}; }

 private:
  Parameter weight_;
};

}  // namespace fqt::layers
