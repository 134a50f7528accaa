#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "layers/dropout.h"
#include "models/parts.h"

namespace fqt::models {

/// One inverted residual (Sandler et al. 2018): 1x1 to `expansion` times the channels, a 3x3 depthwise convolution with
/// the stride, both with ReLU6, and 1x1 to the output's channels without; x is added where the shape stays. Names as
/// torchvision's.
class InvertedResidual : public layers::Module {
 public:
  struct Options {
    int64_t in_channels, out_channels, stride, expansion;
    std::string_view norm;
  };

  InvertedResidual(const std::string& name, const Options& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  std::unique_ptr<ConvNorm> expand_;  ///< none where expansion is 1
  std::unique_ptr<ConvNorm> depthwise_, project_;
  bool residual_;
};

/// MobileNet-V2 as torchvision has it, its names included, `width` times as many channels (rounded to multiples of 8).
/// Images below 64 pixels a side are not made smaller in the stem and the second stage: a 32x32 image ends at 4x4.
/// Dropout before the head.
class MobileNetV2 : public layers::Module {
 public:
  MobileNetV2(double width, const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  std::unique_ptr<ConvNorm> stem_, last_;
  std::vector<std::unique_ptr<InvertedResidual>> blocks_;
  layers::Dropout dropout_;
  std::unique_ptr<layers::Linear> head_;
};

/// "mobilenet_v2", or "mobilenet_v2_W" with a width 0.1 <= W <= 4, such as mobilenet_v2_0.5.
bool matches_mobilenet_v2(std::string_view name);
std::unique_ptr<layers::Module> build_mobilenet_v2(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
