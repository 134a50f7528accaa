#include "models/mobilenet_v2.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/pool.h"

namespace fqt::models {
namespace {

constexpr int64_t kStem = 32, kLast = 1280;

/// Rows of table 2 of the paper.
struct Stage {
  int64_t expansion, channels, blocks, stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

/// channels * width as the nearest multiple of 8 that is not more than a tenth below it.
int64_t scaled(int64_t channels, double width) {
  const double wanted = static_cast<double>(channels) * width;
  const int64_t rounded = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

/// The width behind "mobilenet_v2".
std::optional<double> width_of(std::string_view name) {
  constexpr std::string_view kName = "mobilenet_v2";
  if (!name.starts_with(kName)) return std::nullopt;
  name.remove_prefix(kName.size());
  if (name.empty()) return 1.0;
  if (name.size() < 2 || name[0] != '_') return std::nullopt;
  double width = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), width);
  const bool number = error == std::errc() && end == name.data() + name.size();
  return number && width >= 0.1 && width <= 4 ? std::optional(width) : std::nullopt;
}

/// torchvision's ConvBNReLU: a convolution "0" and its norm "1".
std::unique_ptr<ConvNorm> unit(const std::string& name, const layers::Conv2dOptions& options, std::string_view norm) {
  return std::make_unique<ConvNorm>(name + ".0", name + ".1", options, norm);
}

Var forward_relu6(const quant::Context& context, ConvNorm& layer, const Var& x) {
  return ops::relu6(context.tape, layer.forward(context, x));
}

}  // namespace

InvertedResidual::InvertedResidual(const std::string& name, const Options& options)
    : residual_(options.stride == 1 && options.in_channels == options.out_channels) {
  const int64_t hidden = options.in_channels * options.expansion;
  int part = 0;
  const auto next = [&] { return fmt::format("{}.conv.{}", name, part++); };
  if (options.expansion > 1) expand_ = unit(next(), convolution(options.in_channels, hidden, 1, 1), options.norm);
  layers::Conv2dOptions depthwise = convolution(hidden, hidden, 3, options.stride);
  depthwise.groups = hidden;
  depthwise_ = unit(next(), depthwise, options.norm);
  const std::string conv = next(), norm = next();
  project_ = std::make_unique<ConvNorm>(conv, norm, convolution(hidden, options.out_channels, 1, 1), options.norm);
}

Var InvertedResidual::forward(const quant::Context& context, const Var& x) {
  Var y = expand_ ? forward_relu6(context, *expand_, x) : x;
  y = project_->forward(context, forward_relu6(context, *depthwise_, y));
  return residual_ ? ops::add(context.tape, x, y) : y;
}

std::vector<layers::Module*> InvertedResidual::children() {
  std::vector<Module*> all;
  if (expand_) all.push_back(expand_.get());
  all.insert(all.end(), {depthwise_.get(), project_.get()});
  return all;
}

MobileNetV2::MobileNetV2(double width, const ModelOptions& options) : dropout_("classifier.0", options.dropout) {
  const bool small = std::min(options.height, options.width) < 64;
  int64_t channels = scaled(kStem, width);
  int number = 0;
  const auto next = [&] { return fmt::format("features.{}", number++); };
  stem_ = unit(next(), stem_convolution(options, channels, 3, small ? 1 : 2), options.norm);
  for (const Stage& stage : kStages)
    for (int64_t block = 0; block < stage.blocks; ++block) {
      const bool shrink = block == 0 && !(small && &stage == &kStages[1]);
      const int64_t out = scaled(stage.channels, width);
      blocks_.push_back(std::make_unique<InvertedResidual>(
          next(), InvertedResidual::Options{channels, out, shrink ? stage.stride : 1, stage.expansion, options.norm}));
      channels = out;
    }
  const int64_t last = scaled(kLast, std::max(1.0, width));
  last_ = unit(next(), convolution(channels, last, 1, 1), options.norm);
  head_ = make_head("classifier.1", last, options);
}

Var MobileNetV2::forward(const quant::Context& context, const Var& x) {
  Var y = forward_relu6(context, *stem_, x);
  for (const auto& block : blocks_) y = block->forward(context, y);
  y = ops::global_avg_pool(context.tape, forward_relu6(context, *last_, y));
  return head_->forward(context, dropout_.forward(context, y));
}

std::vector<layers::Module*> MobileNetV2::children() {
  std::vector<Module*> all{stem_.get()};
  for (const auto& block : blocks_) all.push_back(block.get());
  all.insert(all.end(), {last_.get(), &dropout_, head_.get()});
  return all;
}

bool matches_mobilenet_v2(std::string_view name) { return width_of(name).has_value(); }

std::unique_ptr<layers::Module> build_mobilenet_v2(std::string_view name, const ModelOptions& options) {
  return std::make_unique<MobileNetV2>(*width_of(name), options);
}

}  // namespace fqt::models
