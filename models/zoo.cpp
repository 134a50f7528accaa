#include "models/zoo.h"

#include "engine/check.h"
#include "models/alexnet.h"
#include "models/custom.h"
#include "models/imagenet_resnet.h"
#include "models/mobilenet_v2.h"
#include "models/resnet.h"

namespace fqt::models {
namespace {

constexpr ModelKind kKinds[] = {
    {"alexnet", "AlexNet for small images, with batch norm", ModelInput::images, matches_alexnet, build_alexnet},
    {"resnet{6n+2}", "ResNet for CIFAR: resnet20, resnet32, resnet44, resnet56, resnet110, ...", ModelInput::images,
     matches_cifar_resnet, build_cifar_resnet},
    {"resnet18/34/50", "ResNet for ImageNet sizes, as torchvision's", ModelInput::images, matches_imagenet_resnet,
     build_imagenet_resnet},
    {"mobilenet_v2[_W]", "MobileNet-V2, as torchvision's, W times as wide: mobilenet_v2, mobilenet_v2_0.5",
     ModelInput::images, matches_mobilenet_v2, build_mobilenet_v2},
    {"custom_a/f/d", "twelve layers that differ in accumulation, in frequency, or in depth alone", ModelInput::images,
     matches_custom, build_custom},
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
