#include "trainer/config_keys.h"

#include <filesystem>

#include "engine/check.h"
#include "engine/find.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "layers/norm.h"
#include "models/zoo.h"
#include "quant/formats/format.h"
#include "quant/plan/plan.h"
#include "quant/plan/schedule.h"
#include "trainer/plan_file.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr double kMost = 1e12;  ///< steps, epochs and images: far below where their products overflow

template <typename Rows>
std::vector<std::string> list_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> schedule_names() { return list_of(optim::schedules()); }

std::vector<std::string> optimizer_names() { return list_of(optim::optimizers()); }

/// fp32 is a plan (no product is quantized), not a way to quantize an operand.
std::vector<std::string> integer_formats() {
  std::vector<std::string> names;
  for (const quant::Format& format : quant::formats())
    if (!format.is_float()) names.emplace_back(format.name);
  return names;
}

std::vector<std::string> bit_schedule_names() { return list_of(quant::bit_schedules()); }

std::vector<std::string> range_names() { return list_of(quant::range_estimators()); }

std::vector<std::string> norm_names() { return list_of(layers::norm_kinds()); }

std::vector<std::string> position_choices() { return {"learned", "sinusoidal"}; }

std::vector<std::string> overflow_choices() { return {"wrap", "saturate"}; }

std::vector<std::string> text_levels() { return {"auto", "word", "char"}; }

std::vector<std::string> augment_choices() { return {"auto", "on", "off"}; }

void verify_model(const std::string& name) { models::find_model_kind(name); }

/// No plan in words has a slash; one with a dot and no colon is a file's name, too.
bool looks_like_file(const std::string& plan) {
  std::error_code error;
  return plan.find('/') != std::string::npos || std::filesystem::is_regular_file(plan, error) ||
         (plan.find('.') != std::string::npos && plan.find(':') == std::string::npos);
}

void verify_plan(const std::string& text) try {
  if (!is_plan_file(text)) quant::parse_plan(text);
} catch (const Error&) {
  check(!looks_like_file(text), "[plan] '{}' would be a file, but the names of plan files end in .toml; rename it",
        printable(text));
  throw;
}

const ConfigKey kKeys[] = {
    {"model", "", "what is trained; `fqt info` lists the models", [](Config& c) -> Field { return &c.model; }, 0, 0,
     nullptr, verify_model},
    {"data", "--data", "built-in data by name, or a folder", [](Config& c) -> Field { return &c.data; }},
    {"plan", "--plan", "bits of each layer: U:6, A:C-:4-8, R:4-8, fp32, ... or a file of `fqt plan --toml`",
     [](Config& c) -> Field { return &c.plan; }, 0, 0, nullptr, verify_plan},
    {"recipe", "--recipe", "how bits are used; `fqt recipes` lists them", [](Config& c) -> Field { return &c.recipe; },
     0, 0, recipe_names},
    {"weights", "--weights", "safetensors file of fqt or PyTorch to start from; left out, drawn by the seed",
     [](Config& c) -> Field { return &c.weights; }},
    {"seed", "--seed", "names every random number of the run", [](Config& c) -> Field { return &c.seed; }, 0, 0x1p53},
    {"threads", "--threads", "threads to work on; they change no result", [](Config& c) -> Field { return &c.threads; },
     1, 1024},
    {"out", "--out", "run directory to make; left out, a fresh one below runs/",
     [](Config& c) -> Field { return &c.out; }},

    {"images.side", "", "pixels a side that images are drawn at or cut to, where the data leave it open; 0: its own",
     [](Config& c) -> Field { return &c.images.side; }, 0, 1024},
    {"images.drawn_side", "", "the same of built-in images alone, where images.side is 0",
     [](Config& c) -> Field { return &c.images.drawn_side; }, 0, 1024},
    {"images.coarse", "", "CIFAR-100: the 20 coarse classes instead of the 100 fine ones",
     [](Config& c) -> Field { return &c.images.coarse; }},

    {"text.level", "", "what a token of a text is; auto: as is the custom for the data",
     [](Config& c) -> Field { return &c.text.level; }, 0, 0, text_levels},

    {"train.steps", "--steps", "length of training in batches", [](Config& c) -> Field { return &c.train.steps; }, 1,
     kMost},
    {"train.epochs", "--epochs", "length of training in passes over the data",
     [](Config& c) -> Field { return &c.train.epochs; }, 1, 1e6},
    {"train.batch", "--batch", "images, or rows of text, a step", [](Config& c) -> Field { return &c.train.batch; }, 1,
     65536},
    {"train.sequence", "", "text: tokens of a row in one step", [](Config& c) -> Field { return &c.train.sequence; }, 1,
     65536},
    {"train.optimizer", "", "what turns gradients into new weights",
     [](Config& c) -> Field { return &c.train.optimizer; }, 0, 0, optimizer_names},
    {"train.learning_rate", "", "where the schedule starts, or its peak after a warm-up",
     [](Config& c) -> Field { return &c.train.learning_rate; }, 0, 1e6},
    {"train.momentum", "", "of sgd", [](Config& c) -> Field { return &c.train.momentum; }, 0, 1},
    {"train.beta1", "", "of adam and adamw", [](Config& c) -> Field { return &c.train.beta1; }, 0, 0.9999999},
    {"train.beta2", "", "of adam and adamw", [](Config& c) -> Field { return &c.train.beta2; }, 0, 0.9999999},
    {"train.epsilon", "", "of adam and adamw", [](Config& c) -> Field { return &c.train.epsilon; }, 1e-30, 1},
    {"train.weight_decay", "", "of every parameter", [](Config& c) -> Field { return &c.train.weight_decay; }, 0, 1e6},
    {"train.clip", "", "largest norm of all gradients together, which are scaled down to it; 0: none",
     [](Config& c) -> Field { return &c.train.clip; }, 0, 1e12},
    {"train.label_smoothing", "", "share of the loss that is spread over all classes",
     [](Config& c) -> Field { return &c.train.label_smoothing; }, 0, 0.999},
    {"train.schedule", "", "of the learning rate", [](Config& c) -> Field { return &c.train.schedule; }, 0, 0,
     schedule_names},
    {"train.milestones", "", "schedule step: shares of the run after which the rate is multiplied",
     [](Config& c) -> Field { return &c.train.milestones; }, 0, 1},
    {"train.factor", "", "schedule step: by this", [](Config& c) -> Field { return &c.train.factor; }, 0, 1},
    {"train.warmup", "", "schedule inverse_sqrt: steps in which the rate rises",
     [](Config& c) -> Field { return &c.train.warmup; }, 1, kMost},
    {"train.augment", "", "random crop and flip of the training images; auto: as is the custom for the data",
     [](Config& c) -> Field { return &c.train.augment; }, 0, 0, augment_choices},

    {"eval.every", "", "steps between evaluations; 0: only at the end",
     [](Config& c) -> Field { return &c.eval.every; }, 0, kMost},
    {"eval.images", "", "test images used, from the first; 0: all", [](Config& c) -> Field { return &c.eval.images; },
     0, kMost},
    {"eval.tokens", "", "tokens of a text used, from the first; 0: all",
     [](Config& c) -> Field { return &c.eval.tokens; }, 0, kMost},

    {"checkpoint.every", "", "steps between checkpoints; 0: by the clock, as checkpoint.seconds says",
     [](Config& c) -> Field { return &c.checkpoint.every; }, 0, kMost},
    {"checkpoint.seconds", "", "seconds between checkpoints; 0: only at the beginning, the end and an interruption",
     [](Config& c) -> Field { return &c.checkpoint.seconds; }, 0, 1e9},

    {"layers.norm", "", "batch norm's kind", [](Config& c) -> Field { return &c.layers.norm; }, 0, 0, norm_names},

    {"layers.dropout", "", "share of the values set to 0 in training, where the model has dropout",
     [](Config& c) -> Field { return &c.layers.dropout; }, 0, 0.99},
    {"layers.hidden", "", "language models: width", [](Config& c) -> Field { return &c.layers.hidden; }, 1, 65536},
    {"layers.depth", "", "language models: layers or blocks", [](Config& c) -> Field { return &c.layers.depth; }, 1,
     1000},
    {"layers.heads", "", "Transformer: heads of attention", [](Config& c) -> Field { return &c.layers.heads; }, 1,
     1024},
    {"layers.feed_forward", "", "Transformer: width between the two linear layers of a block",
     [](Config& c) -> Field { return &c.layers.feed_forward; }, 1, 1 << 20},
    {"layers.positions", "", "Transformer: how a token's place is told",
     [](Config& c) -> Field { return &c.layers.positions; }, 0, 0, position_choices},

    {"bits.schedule", "", "of the planned bits over the run", [](Config& c) -> Field { return &c.bits.schedule; }, 0, 0,
     bit_schedule_names},
    {"bits.low", "", "schedules cyclic and progressive: where they start",
     [](Config& c) -> Field { return &c.bits.low; }, quant::kMinBits, quant::kMaxBits},
    {"bits.period", "",
     "schedule cyclic: steps from low to the planned bits, at least 2; 0: a 32nd of the run, at least 8",
     [](Config& c) -> Field { return &c.bits.period; }, 0, kMost},
    {"bits.share", "", "schedule progressive: share of the run after which the planned bits are reached",
     [](Config& c) -> Field { return &c.bits.share; }, 0, 1},

    {"probe.every", "", "steps between measurements of every product, into probes.jsonl; 0: none",
     [](Config& c) -> Field { return &c.probe.every; }, 0, kMost},

    {"quant.lhs_format", "", "format of a layer's input", [](Config& c) -> Field { return &c.quant.lhs.format; }, 0, 0,
     integer_formats},
    {"quant.lhs_rounding", "", "rounding of a layer's input", [](Config& c) -> Field { return &c.quant.lhs.rounding; }},
    {"quant.lhs_range", "", "range of a layer's input", [](Config& c) -> Field { return &c.quant.lhs.range; }, 0, 0,
     range_names},
    {"quant.rhs_format", "", "format of the weights", [](Config& c) -> Field { return &c.quant.rhs.format; }, 0, 0,
     integer_formats},
    {"quant.rhs_rounding", "", "rounding of the weights", [](Config& c) -> Field { return &c.quant.rhs.rounding; }},
    {"quant.rhs_range", "", "range of the weights", [](Config& c) -> Field { return &c.quant.rhs.range; }, 0, 0,
     range_names},
    {"quant.grad_format", "", "format of the output's gradient",
     [](Config& c) -> Field { return &c.quant.grad.format; }, 0, 0, integer_formats},
    {"quant.grad_rounding", "", "rounding of the output's gradient",
     [](Config& c) -> Field { return &c.quant.grad.rounding; }},
    {"quant.grad_range", "", "range of the output's gradient", [](Config& c) -> Field { return &c.quant.grad.range; },
     0, 0, range_names},
    {"quant.percentile", "", "share of the values, in percent, that a range of this name holds",
     [](Config& c) -> Field { return &c.quant.percentile; }, 50, 100},
    {"quant.range_momentum", "", "of the running range of a layer's input",
     [](Config& c) -> Field { return &c.quant.range_momentum; }, 0, 1},
    {"quant.rhs_per_channel", "", "a grid for each output channel of the weights",
     [](Config& c) -> Field { return &c.quant.rhs_per_channel; }},
    {"quant.grad_bits", "", "bits of the output's gradient; 0: as planned",
     [](Config& c) -> Field { return &c.quant.grad_bits; }, 0, quant::kMaxBits},
    {"quant.grad_rhs_bits", "", "bits of a second copy of it, for the weights' gradient; 0: one copy for both",
     [](Config& c) -> Field { return &c.quant.grad_rhs_bits; }, 0, quant::kMaxBits},
    {"quant.quantize_first", "", "quantize the model's first product",
     [](Config& c) -> Field { return &c.quant.quantize_first; }},
    {"quant.quantize_head", "", "quantize the classifier head",
     [](Config& c) -> Field { return &c.quant.quantize_head; }},
    {"quant.accumulator_bits", "", "emulate accumulators of 8 to 32 bits, slowly; 0: exact sums",
     [](Config& c) -> Field { return &c.quant.accumulator_bits; }, 0, 32},
    {"quant.accumulator_overflow", "", "what an emulated accumulator does at its ends",
     [](Config& c) -> Field { return &c.quant.accumulator_overflow; }, 0, 0, overflow_choices},
    {"quant.accumulator_chunk", "", "terms added up in an emulated accumulator of their own; 0: all in order",
     [](Config& c) -> Field { return &c.quant.accumulator_chunk; }, 0, kMost},
};

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

const ConfigKey* find_key(std::string_view name) { return find_or_null(kKeys, name); }

bool is_given(const ConfigKey& key, const Config& config) {
  if (key.name == "model") return !config.model.empty();
  if (key.name == "weights") return !config.weights.empty();
  if (key.name == "out") return !config.out.empty();
  if (key.name == "train.steps") return config.train.steps > 0;
  if (key.name == "train.epochs") return config.train.epochs > 0;
  return true;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : kKeys) names.emplace_back(key.name);
  return names;
}

}  // namespace fqt::trainer
