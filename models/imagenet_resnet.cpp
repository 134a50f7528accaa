#include "models/imagenet_resnet.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

constexpr ImageNetResNet::Design kResNetDesigns[] = {
    {"resnet18", {2, 2, 2, 2}, false},
    {"resnet34", {3, 4, 6, 3}, false},
    {"resnet50", {3, 4, 6, 3}, true},
};

const ImageNetResNet::Design* find_resnet_design(std::string_view name) {
  const auto found = std::ranges::find(kResNetDesigns, name, &ImageNetResNet::Design::name);
  return found == std::end(kResNetDesigns) ? nullptr : found;
}

}  // namespace

ImageNetResNet::ImageNetResNet(const Design& design, const ModelOptions& options)
    : stem_("conv1", "bn1", stem_convolution(options, 64, 7, 2), options.norm) {
  int64_t channels = 64;
  for (int64_t stage = 0; stage < 4; ++stage)
    for (int64_t block = 0; block < design.blocks[stage]; ++block) {
      const BlockPlace place{.name = fmt::format("layer{}.{}", stage + 1, block),
                             .shortcut_conv = ".downsample.0",
                             .shortcut_norm = ".downsample.1",
                             .in_channels = channels,
                             .out_channels = (int64_t{64} << stage) * (design.bottleneck ? 4 : 1),
                             .stride = stage > 0 && block == 0 ? 2 : 1,
                             .norm = options.norm,
                             .last_gamma = 0};
      if (design.bottleneck)
        blocks_.push_back(std::make_unique<Bottleneck>(place));
      else
        blocks_.push_back(std::make_unique<BasicBlock>(place));
      channels = place.out_channels;
    }
  head_ = make_head("fc", channels, options);
}

Var ImageNetResNet::forward(const quant::Context& context, const Var& x) {
  Var y = ops::max_pool(context.tape, stem_.forward_relu(context, x), 3, 2, 1);
  for (const auto& block : blocks_) y = block->forward(context, y);
  return head_->forward(context, ops::global_avg_pool(context.tape, y));
}

std::vector<layers::Module*> ImageNetResNet::children() {
  std::vector<Module*> all{&stem_};
  for (const auto& block : blocks_) all.push_back(block.get());
  all.push_back(head_.get());
  return all;
}

bool matches_imagenet_resnet(std::string_view name) { return find_resnet_design(name) != nullptr; }

std::unique_ptr<layers::Module> build_imagenet_resnet(std::string_view name, const ModelOptions& options) {
  return std::make_unique<ImageNetResNet>(*find_resnet_design(name), options);
}

}  // namespace fqt::models
