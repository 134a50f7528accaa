#include "models/zoo.h"

#include <algorithm>

#include "engine/check.h"
#include "models/alexnet.h"
#include "models/custom.h"
#include "models/imagenet_resnet.h"
#include "models/lstm_lm.h"
#include "models/mobilenet_v2.h"
#include "models/resnet.h"
#include "models/transformer_lm.h"

namespace fqt::models {
namespace {

template <size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&name)[N]) { std::copy_n(name, N, text); }  // NOLINT: a literal is a name
};

/// A kind of model with one name.
template <Name kName>
bool is(std::string_view name) {
  return name == kName.text;
}

constexpr ModelKind kKinds[] = {
    {"alexnet", "AlexNet for small images, with batch norm", ModelInput::images, is<"alexnet">, build_alexnet},
    {"resnet{6n+2}", "ResNet for CIFAR: resnet20, resnet32, resnet44, resnet56, resnet110, ...", ModelInput::images,
     matches_cifar_resnet, build_cifar_resnet},
    {"resnet18/34/50", "ResNet for ImageNet sizes, as torchvision's", ModelInput::images, matches_imagenet_resnet,
     build_imagenet_resnet},
    {"mobilenet_v2[_W]", "MobileNet-V2, as torchvision's, W times as wide: mobilenet_v2, mobilenet_v2_0.5",
     ModelInput::images, matches_mobilenet_v2, build_mobilenet_v2},
    {"custom_a/f/d", "twelve layers that differ in accumulation, in frequency, or in depth alone", ModelInput::images,
     matches_custom, build_custom},
    {"lstm_lm", "language model of LSTM layers: hidden, depth, dropout", ModelInput::tokens, is<"lstm_lm">,
     build_lstm_lm},
    {"transformer_lm", "Transformer language model: hidden, depth, heads, feed_forward, positions, dropout",
     ModelInput::tokens, is<"transformer_lm">, build_transformer_lm},
    {"transformer_lm_small", "the same; by default 4 blocks of 256", ModelInput::tokens, is<"transformer_lm_small">,
     build_transformer_lm},
    {"transformer_lm_base", "the same; by default 6 blocks of 512", ModelInput::tokens, is<"transformer_lm_base">,
     build_transformer_lm},
};

}  // namespace

std::span<const ModelKind> model_kinds() { return kKinds; }

const ModelKind& find_model_kind(std::string_view name) {
  std::string known;
  for (const ModelKind& kind : kKinds) {
    if (kind.matches(name)) return kind;
    known += fmt::format("\n  {}: {}", kind.name, kind.description);
  }
  fail(ErrorKind::usage, "[model] no model '{}'; known:{}", name, known);
}

std::unique_ptr<layers::Module> build_model(std::string_view name, const ModelOptions& options) {
  return find_model_kind(name).build(name, options);
}

}  // namespace fqt::models
