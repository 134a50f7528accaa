#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "models/zoo.h"

namespace fqt::models {

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), the shortcut being x itself, or a 1x1 convolution with its own
/// norm where the shape changes (He et al. 2016, option B). `norm` is a row of layers::norm_kinds().
class BasicBlock : public layers::Module {
 public:
  BasicBlock(const std::string& name, int64_t in_channels, int64_t out_channels, int64_t stride, std::string_view norm);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  layers::Conv2d conv1_, conv2_;
  std::unique_ptr<layers::Norm> bn1_, bn2_;
  std::unique_ptr<layers::Conv2d> shortcut_conv_;
  std::unique_ptr<layers::Norm> shortcut_bn_;
};

/// The ResNet for CIFAR of He et al. (2016): a 3x3 stem of 16 channels, three stages of n basic blocks with 16, 32 and
/// 64 channels, the second and third starting with stride 2, global average pooling, a linear head; depth 6n + 2.
class CifarResNet : public layers::Module {
 public:
  CifarResNet(int64_t blocks_per_stage, const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  layers::Conv2d stem_;
  std::unique_ptr<layers::Norm> stem_bn_;
  std::vector<std::unique_ptr<BasicBlock>> blocks_;
  std::unique_ptr<layers::Linear> head_;
};

/// "resnetN" with N = 6n + 2, n >= 1, up to resnet1202.
bool matches_cifar_resnet(std::string_view name);
std::unique_ptr<layers::Module> build_cifar_resnet(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
