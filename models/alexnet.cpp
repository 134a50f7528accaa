#include "models/alexnet.h"

#include <cmath>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

struct FeatureLayer {
  int64_t channels;
  bool pool;
};
constexpr FeatureLayer kFeatures[] = {{64, true}, {192, true}, {384, false}, {256, false}, {256, true}};
constexpr int64_t kShrink = 8;  ///< three 2x2 maxima

/// A linear layer before a ReLU: N(0, sqrt(2 / in)) (He et al. 2015, fan in).
std::unique_ptr<layers::Linear> hidden(const std::string& name, int64_t in, int64_t out) {
  layers::LinearOptions options;
  options.in_features = in;
  options.out_features = out;
  options.standard_deviation = std::sqrt(2.0 / static_cast<double>(in));
  return std::make_unique<layers::Linear>(name, options);
}

}  // namespace

AlexNet::AlexNet(const ModelOptions& options)
    : dropout1_("dropout1", options.dropout), dropout2_("dropout2", options.dropout) {
  const int64_t height = options.height / kShrink, width = options.width / kShrink;
  check(height >= 1 && width >= 1, "[alexnet] images of {}x{}; at least {}x{} are needed", options.height,
        options.width, kShrink, kShrink);
  int64_t channels = options.channels;
  for (const FeatureLayer& layer : kFeatures) {
    const size_t number = convolutions_.size() + 1;
    layers::Conv2dOptions conv = convolution(channels, layer.channels, 3, 1);
    if (number == 1) conv.role = quant::SiteRole::first;
    convolutions_.push_back(
        std::make_unique<ConvNorm>(fmt::format("conv{}", number), fmt::format("bn{}", number), conv, options.norm));
    channels = layer.channels;
  }
  linear1_ = hidden("fc1", height * width * channels, 1024);
  linear2_ = hidden("fc2", 1024, 512);
  head_ = make_head("head", 512, options);
}

Var AlexNet::forward(const quant::Context& context, const Var& x) {
  Tape& tape = context.tape;
  Var y = x;
  for (size_t i = 0; i < convolutions_.size(); ++i) {
    y = convolutions_[i]->forward_relu(context, y);
    if (kFeatures[i].pool) y = ops::max_pool(tape, y, 2, 2);
  }
  y = ops::reshape(tape, y, {y.shape()[0], -1});
  y = ops::relu(tape, linear1_->forward(context, dropout1_.forward(context, y)));
  y = ops::relu(tape, linear2_->forward(context, dropout2_.forward(context, y)));
  return head_->forward(context, y);
}

std::vector<layers::Module*> AlexNet::children() {
  std::vector<Module*> all;
  for (const auto& layer : convolutions_) all.push_back(layer.get());
  all.insert(all.end(), {&dropout1_, linear1_.get(), &dropout2_, linear2_.get(), head_.get()});
  return all;
}

std::unique_ptr<layers::Module> build_alexnet(std::string_view, const ModelOptions& options) {
  return std::make_unique<AlexNet>(options);
}

}  // namespace fqt::models
