#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "layers/dropout.h"
#include "models/parts.h"

namespace fqt::models {

/// AlexNet for small images (after Krizhevsky et al. 2012): five 3x3 convolutions of 64, 192, 384, 256 and 256 channels
/// with batch norm, a 2x2 maximum after the first, second and fifth, then linear layers of 1024 and 512 with ReLU and
/// dropout before each, and the head. Images of at least 8x8.
class AlexNet : public layers::Module {
 public:
  explicit AlexNet(const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  std::vector<std::unique_ptr<ConvNorm>> convolutions_;
  layers::Dropout dropout1_, dropout2_;
  std::unique_ptr<layers::Linear> linear1_, linear2_, head_;
};

std::unique_ptr<layers::Module> build_alexnet(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
