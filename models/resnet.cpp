#include "models/resnet.h"

#include <charconv>
#include <optional>

#include "engine/check.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

/// Blocks a stage of "resnetN".
std::optional<int64_t> blocks_per_stage(std::string_view name) {
  constexpr std::string_view kPrefix = "resnet";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  int64_t depth = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), depth);
  const bool number = error == std::errc() && end == digits.data() + digits.size();
  if (!number || depth < 8 || depth > 1202 || (depth - 2) % 6 != 0 || depth == 50) return std::nullopt;
  return (depth - 2) / 6;
}

}  // namespace

CifarResNet::CifarResNet(int64_t blocks_per_stage, const ModelOptions& options)
    : stem_("stem.conv", "stem.bn", stem_convolution(options, 16, 3, 1), options.norm) {
  int64_t channels = 16;
  for (int64_t stage = 0; stage < 3; ++stage)
    for (int64_t block = 0; block < blocks_per_stage; ++block) {
      const int64_t out = int64_t{16} << stage;
      blocks_.push_back(
          std::make_unique<BasicBlock>(BlockPlace{.name = fmt::format("stage{}.block{}", stage + 1, block),
                                                  .shortcut_conv = ".shortcut.conv",
                                                  .shortcut_norm = ".shortcut.bn",
                                                  .in_channels = channels,
                                                  .out_channels = out,
                                                  .stride = stage > 0 && block == 0 ? 2 : 1,
                                                  .norm = options.norm}));
      channels = out;
    }
  head_ = make_head("head", channels, options);
}

Var CifarResNet::forward(const quant::Context& context, const Var& x) {
  Var y = stem_.forward_relu(context, x);
  for (const auto& block : blocks_) y = block->forward(context, y);
  return head_->forward(context, ops::global_avg_pool(context.tape, y));
}

std::vector<layers::Module*> CifarResNet::children() {
  std::vector<Module*> all{&stem_};
  for (const auto& block : blocks_) all.push_back(block.get());
  all.push_back(head_.get());
  return all;
}

bool matches_cifar_resnet(std::string_view name) { return blocks_per_stage(name).has_value(); }

std::unique_ptr<layers::Module> build_cifar_resnet(std::string_view name, const ModelOptions& options) {
  return std::make_unique<CifarResNet>(*blocks_per_stage(name), options);
}

}  // namespace fqt::models
