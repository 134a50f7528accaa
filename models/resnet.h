#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/residual.h"

namespace fqt::models {

/// The ResNet for CIFAR of He et al. (2016): a 3x3 stem of 16 channels, three stages of n basic blocks with 16, 32 and
/// 64 channels, the second and third starting with stride 2, global average pooling, a linear head; depth 6n + 2.
class CifarResNet : public layers::Module {
 public:
  CifarResNet(int64_t blocks_per_stage, const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  ConvNorm stem_;
  std::vector<std::unique_ptr<BasicBlock>> blocks_;
  std::unique_ptr<layers::Linear> head_;
};

/// "resnetN" with N = 6n + 2, n >= 1, up to resnet1202; not resnet50, which names the model for ImageNet.
bool matches_cifar_resnet(std::string_view name);
std::unique_ptr<layers::Module> build_cifar_resnet(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
