#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "models/parts.h"

namespace fqt::models {

/// One layer of a customized model.
struct CustomLayer {
  int64_t shrink;  ///< of the resolution the model works at: 1, 2 or 4
  int64_t groups;
};

/// A customized model of the study: twelve 3x3 convolutions of 64 channels, each with its norm and a ReLU, between a
/// stem (3x3, at stride 2) and global average pooling with a linear head, both of which stay in float. One of
/// accumulation, frequency and depth varies from layer to layer; depth counts the twelve layers.
class Custom : public layers::Module {
 public:
  Custom(std::span<const CustomLayer> design, const ModelOptions& options);
  Var forward(const quant::Context& context, const Var& x) override;

 protected:
  std::vector<Module*> children() override;

 private:
  std::span<const CustomLayer> design_;
  ConvNorm stem_;
  std::vector<std::unique_ptr<ConvNorm>> layers_;
  std::unique_ptr<layers::Linear> head_;
};

/// custom_d: depth alone varies. custom_f: fan-in is held, resolution changes; custom_a: channels and resolution are
/// held, the number of groups changes; both in an order that reads the same from either end, so that it has no
/// correlation with depth.
bool matches_custom(std::string_view name);
std::unique_ptr<layers::Module> build_custom(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
