#include "models/zoo.h"

#include "engine/check.h"
#include "models/resnet.h"

namespace fqt::models {
namespace {

constexpr ModelKind kKinds[] = {
    {"resnet{6n+2}", "ResNet for CIFAR: resnet20, resnet32, resnet44, resnet56, resnet110, ...", ModelInput::images,
     matches_cifar_resnet, build_cifar_resnet},
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
