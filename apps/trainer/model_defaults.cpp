#include "trainer/model_defaults.h"

#include <fmt/format.h>

#include "models/zoo.h"

namespace fqt::trainer {
namespace {

constexpr std::string_view kSmallTransformer = R"(
data = "grammar"
plan = "U:7"
train.batch = 8
train.sequence = 128
train.optimizer = "adam"
train.learning_rate = 1e-3
train.beta2 = 0.98
train.weight_decay = 0
train.clip = 1
train.schedule = "inverse_sqrt"
train.warmup = 100
layers.hidden = 256
layers.depth = 4
layers.heads = 4
layers.feed_forward = 1024
layers.dropout = 0.1
)";

constexpr ModelDefaults kDefaults[] = {
    {"alexnet", R"(
train.learning_rate = 0.01
train.weight_decay = 5e-4
layers.dropout = 0.5
)"},
    // Folders give 224 pixels a side. What is drawn is smaller, so that a laptop sees the loss fall within a minute.
    {"resnet18/34/50", R"(
images.drawn_side = 64
train.batch = 32
train.optimizer = "adamw"
train.learning_rate = 0.001
train.weight_decay = 0.01
)"},
    // Stochastic rounding of the gradients adds noise in each of the many layers: under few bits SGD diverges at rates
    // that the same model needs in float32.
    {"mobilenet_v2[_W]", R"(
train.batch = 64
train.optimizer = "adamw"
train.learning_rate = 0.002
train.weight_decay = 0.01
layers.dropout = 0.2
)"},
    // The medium model of Zaremba et al. (2014), with the learning rate and clipping of PyTorch's example of it, whose
    // loss is a mean over the tokens, too.
    {"lstm_lm", R"(
data = "grammar"
plan = "U:7"
train.batch = 20
train.sequence = 35
train.learning_rate = 20
train.momentum = 0
train.weight_decay = 0
train.clip = 0.25
train.schedule = "cosine"
layers.hidden = 650
layers.depth = 2
layers.dropout = 0.5
)"},
    {"transformer_lm", kSmallTransformer},
    {"transformer_lm_small", kSmallTransformer},
    // fairseq's basic language model.
    {"transformer_lm_base", R"(
data = "grammar"
plan = "U:7"
train.batch = 8
train.sequence = 128
train.optimizer = "adam"
train.learning_rate = 5e-4
train.beta2 = 0.98
train.weight_decay = 0
train.clip = 1
train.schedule = "inverse_sqrt"
train.warmup = 400
layers.hidden = 512
layers.depth = 6
layers.heads = 8
layers.feed_forward = 2048
layers.dropout = 0.1
)"},
};

}  // namespace

std::span<const ModelDefaults> model_defaults() { return kDefaults; }

std::vector<Assignment> model_layer(std::string_view model) {
  const std::string_view kind = models::find_model_kind(model).name;
  for (const ModelDefaults& row : kDefaults)
    if (row.kind == kind) return read_config_text(std::string(row.toml), fmt::format("defaults of {}", kind));
  return {};
}

}  // namespace fqt::trainer
