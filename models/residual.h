#pragma once

#include <memory>
#include <string>

#include "models/parts.h"

namespace fqt::models {

/// Where a residual block lies in its model.
struct BlockPlace {
  std::string name;                          ///< "stage2.block0"
  std::string shortcut_conv, shortcut_norm;  ///< what follows it in the names of the projection: ".shortcut.conv"
  int64_t in_channels, out_channels;
  int64_t stride = 1;
  std::string norm = "batch";  ///< a row of layers::norm_kinds()
  float last_gamma = 1;        ///< of the block's last norm at the start; at 0 a block starts as its shortcut
};

/// A projection where the shape changes (He et al. 2016, option B), else null: the block's input itself.
std::unique_ptr<ConvNorm> make_shortcut(const BlockPlace& place);

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), two 3x3 convolutions, the first with the stride.
class BasicBlock : public layers::Module {
 public:
  explicit BasicBlock(const BlockPlace& place);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  ConvNorm first_, second_;
  std::unique_ptr<ConvNorm> shortcut_;
};

/// 1x1 to a quarter of the output's channels, 3x3 with the stride, 1x1 back; the same sum at the end (He et al. 2016,
/// with the stride where PyTorch's torchvision has it).
class Bottleneck : public layers::Module {
 public:
  explicit Bottleneck(const BlockPlace& place);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  ConvNorm first_, second_, third_;
  std::unique_ptr<ConvNorm> shortcut_;
};

}  // namespace fqt::models
