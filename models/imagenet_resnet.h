#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "models/residual.h"

namespace fqt::models {

/// The ResNets for ImageNet (He et al. 2016) as torchvision has them, its names included: a 7x7 stem of 64 channels at
/// stride 2, a 3x3 maximum at stride 2, four stages of basic blocks (18, 34) or bottlenecks (50), global average
/// pooling, a linear head "fc". Images of 224 by custom; any of 32 and more.
class ImageNetResNet : public layers::Module {
 public:
  struct Design {
    std::string_view name;
    int64_t blocks[4];
    bool bottleneck;
  };

  ImageNetResNet(const Design& design, const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  ConvNorm stem_;
  std::vector<std::unique_ptr<layers::Module>> blocks_;
  std::unique_ptr<layers::Linear> head_;
};

/// resnet18, resnet34, resnet50.
bool matches_imagenet_resnet(std::string_view name);
std::unique_ptr<layers::Module> build_imagenet_resnet(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
