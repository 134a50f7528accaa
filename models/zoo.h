#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "layers/module.h"

namespace fqt::models {

/// What a model reads.
enum class ModelInput {
  images,  ///< [N, height, width, channels], normalized
  tokens,  ///< [N, T] token ids, whole numbers below 2^24 held in float32 without loss; logits are [N * T, vocabulary]
};

/// What a model is built for.
struct ModelOptions {
  int64_t height = 32, width = 32, channels = 3;  ///< images
  int64_t classes = 10;                           ///< images: labels; tokens: words of the vocabulary
  int64_t sequence = 35;                          ///< tokens a sample has
  std::string norm = "batch";                     ///< image models: a row of layers::norm_kinds()
  double dropout = 0;                             ///< share of the values set to 0 in training
  int64_t hidden = 256;                           ///< sequence models: width
  int64_t depth = 2;                              ///< sequence models: layers or blocks
  int64_t heads = 4;                              ///< Transformer
  int64_t feed_forward = 1024;                    ///< Transformer: width of the inner layer
  std::string positions = "learned";              ///< Transformer: a row of layers::position_kinds()
  std::string activation = "relu";                ///< Transformer: a row of ops::activations()
};

/// One kind of model: a pattern of names and a builder. "resnetN" stands for every depth N = 6n + 2.
struct ModelKind {
  std::string_view name;  ///< as listed: "resnet{6n+2}"
  std::string_view description;
  ModelInput input;
  bool (*matches)(std::string_view name);
  std::unique_ptr<layers::Module> (*build)(std::string_view name, const ModelOptions& options);
};

std::span<const ModelKind> model_kinds();

/// Error(usage) that lists the kinds where nothing matches.
const ModelKind& find_model_kind(std::string_view name);
std::unique_ptr<layers::Module> build_model(std::string_view name, const ModelOptions& options);

}  // namespace fqt::models
