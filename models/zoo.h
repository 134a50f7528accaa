#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "layers/module.h"

namespace fqt::models {

/// What a model is built for.
struct ModelOptions {
  int64_t height = 32, width = 32, channels = 3;
  int64_t classes = 10;
  std::string norm = "batch";  ///< a row of layers::norm_kinds()
};

/// One kind of model: a pattern of names and a builder. "resnetN" stands for every depth N = 6n + 2.
struct ModelKind {
  std::string_view name;  ///< as listed: "resnet{6n+2}"
  std::string_view description;
  bool (*matches)(std::string_view name);
  std::unique_ptr<layers::Module> (*build)(std::string_view name, const ModelOptions& options);
};

std::span<const ModelKind> model_kinds();

/// Error(usage) that lists the kinds where nothing matches.
std::unique_ptr<layers::Module> build_model(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
