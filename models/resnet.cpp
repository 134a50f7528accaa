#include "models/resnet.h"

#include <charconv>
#include <optional>

#include "engine/check.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

layers::Conv2dOptions convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  layers::Conv2dOptions options;
  options.in_channels = in;
  options.out_channels = out;
  options.kernel = kernel;
  options.stride = stride;
  options.padding = kernel / 2;
  return options;
}

layers::Conv2dOptions stem(const ModelOptions& model) {
  layers::Conv2dOptions options = convolution(model.channels, 16, 3, 1);
  options.role = quant::SiteRole::first;
  return options;
}

/// Blocks a stage of "resnetN".
std::optional<int64_t> blocks_per_stage(std::string_view name) {
  constexpr std::string_view kPrefix = "resnet";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  int64_t depth = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), depth);
  const bool number = error == std::errc() && end == digits.data() + digits.size();
  if (!number || depth < 8 || depth > 1202 || (depth - 2) % 6 != 0) return std::nullopt;
  return (depth - 2) / 6;
}

}  // namespace

BasicBlock::BasicBlock(const std::string& name, int64_t in, int64_t out, int64_t stride, std::string_view norm)
    : conv1_(name + ".conv1", convolution(in, out, 3, stride)),
      conv2_(name + ".conv2", convolution(out, out, 3, 1)),
      bn1_(layers::make_norm(norm, name + ".bn1", out)),
      bn2_(layers::make_norm(norm, name + ".bn2", out)) {
  if (stride == 1 && in == out) return;
  shortcut_conv_ = std::make_unique<layers::Conv2d>(name + ".shortcut.conv", convolution(in, out, 1, stride));
  shortcut_bn_ = layers::make_norm(norm, name + ".shortcut.bn", out);
}

Var BasicBlock::forward(const quant::Context& context, const Var& x) {
  const Var y = bn1_->forward_relu(context, conv1_.forward(context, x));
  const Var shortcut = shortcut_conv_ ? shortcut_bn_->forward(context, shortcut_conv_->forward(context, x)) : x;
  return bn2_->forward_add_relu(context, conv2_.forward(context, y), shortcut);
}

std::vector<layers::Module*> BasicBlock::children() {
  std::vector<Module*> all{&conv1_, bn1_.get(), &conv2_, bn2_.get()};
  if (shortcut_conv_) all.insert(all.end(), {shortcut_conv_.get(), shortcut_bn_.get()});
  return all;
}

CifarResNet::CifarResNet(int64_t blocks_per_stage, const ModelOptions& options)
    : stem_("stem.conv", stem(options)), stem_bn_(layers::make_norm(options.norm, "stem.bn", 16)) {
  int64_t channels = 16;
  for (int64_t stage = 0; stage < 3; ++stage)
    for (int64_t block = 0; block < blocks_per_stage; ++block) {
      const int64_t out = int64_t{16} << stage;
      blocks_.push_back(std::make_unique<BasicBlock>(fmt::format("stage{}.block{}", stage + 1, block), channels, out,
                                                     stage > 0 && block == 0 ? 2 : 1, options.norm));
      channels = out;
    }
  layers::LinearOptions head;
  head.in_features = channels;
  head.out_features = options.classes;
  head.role = quant::SiteRole::head;
  head_ = std::make_unique<layers::Linear>("head", head);
}

Var CifarResNet::forward(const quant::Context& context, const Var& x) {
  Var y = stem_bn_->forward_relu(context, stem_.forward(context, x));
  for (const auto& block : blocks_) y = block->forward(context, y);
  return head_->forward(context, ops::global_avg_pool(context.tape, y));
}

std::vector<layers::Module*> CifarResNet::children() {
  std::vector<Module*> all{&stem_, stem_bn_.get()};
  for (const auto& block : blocks_) all.push_back(block.get());
  all.push_back(head_.get());
  return all;
}

bool matches_cifar_resnet(std::string_view name) { return blocks_per_stage(name).has_value(); }

std::unique_ptr<layers::Module> build_cifar_resnet(std::string_view name, const ModelOptions& options) {
  return std::make_unique<CifarResNet>(*blocks_per_stage(name), options);
}

}  // namespace fqt::models
