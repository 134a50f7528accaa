#include "models/residual.h"

#include "engine/check.h"

namespace fqt::models {
namespace {

/// name.conv1 and name.bn1 for number 1.
ConvNorm part(const BlockPlace& place, int number, const layers::Conv2dOptions& options) {
  return {fmt::format("{}.conv{}", place.name, number), fmt::format("{}.bn{}", place.name, number), options,
          place.norm};
}

}  // namespace

std::unique_ptr<ConvNorm> make_shortcut(const BlockPlace& place) {
  if (place.stride == 1 && place.in_channels == place.out_channels) return nullptr;
  return std::make_unique<ConvNorm>(place.name + place.shortcut_conv, place.name + place.shortcut_norm,
                                    convolution(place.in_channels, place.out_channels, 1, place.stride), place.norm);
}

BasicBlock::BasicBlock(const BlockPlace& place)
    : first_(part(place, 1, convolution(place.in_channels, place.out_channels, 3, place.stride))),
      second_(part(place, 2, convolution(place.out_channels, place.out_channels, 3, 1))),
      shortcut_(make_shortcut(place)) {
  second_.start_gamma(place.last_gamma);
}

Var BasicBlock::forward(const quant::Context& context, const Var& x) {
  const Var y = first_.forward_relu(context, x);
  const Var shortcut = shortcut_ ? shortcut_->forward(context, x) : x;
  return second_.norm_add_relu(context, second_.convolve(context, y), shortcut);
}

std::vector<layers::Module*> BasicBlock::children() {
  std::vector<Module*> all{&first_, &second_};
  if (shortcut_) all.push_back(shortcut_.get());
  return all;
}

Bottleneck::Bottleneck(const BlockPlace& place)
    : first_(part(place, 1, convolution(place.in_channels, place.out_channels / 4, 1, 1))),
      second_(part(place, 2, convolution(place.out_channels / 4, place.out_channels / 4, 3, place.stride))),
      third_(part(place, 3, convolution(place.out_channels / 4, place.out_channels, 1, 1))),
      shortcut_(make_shortcut(place)) {
  third_.start_gamma(place.last_gamma);
}

Var Bottleneck::forward(const quant::Context& context, const Var& x) {
  const Var y = second_.forward_relu(context, first_.forward_relu(context, x));
  const Var sum = third_.convolve(context, y);
  // After the strided convolution: plans count depth by runs of one output resolution.
  const Var shortcut = shortcut_ ? shortcut_->forward(context, x) : x;
  return third_.norm_add_relu(context, sum, shortcut);
}

std::vector<layers::Module*> Bottleneck::children() {
  std::vector<Module*> all{&first_, &second_, &third_};
  if (shortcut_) all.push_back(shortcut_.get());
  return all;
}

}  // namespace fqt::models
