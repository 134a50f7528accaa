#include "models/custom.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

constexpr int64_t kChannels = 64;

constexpr CustomLayer kDepth[] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1},
                                  {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
constexpr CustomLayer kFrequency[] = {{2, 1}, {1, 1}, {4, 1}, {4, 1}, {1, 1}, {2, 1},
                                      {2, 1}, {1, 1}, {4, 1}, {4, 1}, {1, 1}, {2, 1}};
constexpr CustomLayer kAccumulation[] = {{1, 4}, {1, 1}, {1, 16}, {1, 16}, {1, 1}, {1, 4},
                                         {1, 4}, {1, 1}, {1, 16}, {1, 16}, {1, 1}, {1, 4}};

struct CustomDesign {
  std::string_view name;
  std::span<const CustomLayer> layers;
};
constexpr CustomDesign kCustomDesigns[] = {{"custom_d", kDepth}, {"custom_f", kFrequency}, {"custom_a", kAccumulation}};

const CustomDesign* find_custom_design(std::string_view name) {
  const auto found = std::ranges::find(kCustomDesigns, name, &CustomDesign::name);
  return found == std::end(kCustomDesigns) ? nullptr : found;
}

}  // namespace

Custom::Custom(std::span<const CustomLayer> design, const ModelOptions& options)
    : design_(design),
      stem_("stem.conv", "stem.bn", stem_convolution(options, kChannels, 3, 2, quant::SiteRole::apart), options.norm) {
  for (const CustomLayer& layer : design) {
    const size_t number = layers_.size() + 1;
    layers::Conv2dOptions conv = convolution(kChannels, kChannels, 3, 1);
    conv.groups = layer.groups;
    conv.block = static_cast<int>(number);
    layers_.push_back(std::make_unique<ConvNorm>(fmt::format("layer{}.conv", number), fmt::format("layer{}.bn", number),
                                                 conv, options.norm));
  }
  head_ = make_head("head", kChannels, options, static_cast<int>(design.size()) + 1);
}

Var Custom::forward(const quant::Context& context, const Var& x) {
  Var y = stem_.forward_relu(context, x);
  int64_t shrink = 1;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const int64_t wanted = design_[i].shrink;
    if (wanted > shrink) y = ops::max_pool(context.tape, y, wanted / shrink, wanted / shrink);
    if (wanted < shrink) y = ops::upsample(context.tape, y, shrink / wanted);
    shrink = wanted;
    y = layers_[i]->forward_relu(context, y);
  }
  return head_->forward(context, ops::global_avg_pool(context.tape, y));
}

std::vector<layers::Module*> Custom::children() {
  std::vector<Module*> all{&stem_};
  for (const auto& layer : layers_) all.push_back(layer.get());
  all.push_back(head_.get());
  return all;
}

bool matches_custom(std::string_view name) { return find_custom_design(name) != nullptr; }

std::unique_ptr<layers::Module> build_custom(std::string_view name, const ModelOptions& options) {
  return std::make_unique<Custom>(find_custom_design(name)->layers, options);
}

}  // namespace fqt::models
