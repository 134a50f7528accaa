#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/parallel.h"
#include "quant/precision.h"

namespace fqt::trainer {

struct TrainOptions {
  int64_t steps = 0;   ///< 0: not given
  int64_t epochs = 0;  ///< 0: not given; never given together with steps
  int64_t batch = 128;
  int64_t sequence = 35;          ///< text: tokens of a row in one step
  std::string optimizer = "sgd";  ///< a row of optim::optimizers()
  double learning_rate = 0.1;
  double momentum = 0.9;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-4;
  double clip = 0;  ///< largest norm of the gradients; 0: not clipped
  double label_smoothing = 0;
  std::string schedule = "step";  ///< a row of optim::schedules()
  std::vector<double> milestones{0.5, 0.75};
  double factor = 0.1;
  int64_t warmup = 4000;
  std::string augment = "auto";  ///< "on", "off", or "auto": as is the custom for the data
};

/// How images are opened.
struct ImageOptions {
  int64_t side = 0;        ///< pixels a side of drawn images and folders; 0: the data's own
  int64_t drawn_side = 0;  ///< of drawn images where side is 0; 0: 32
  bool coarse = false;     ///< CIFAR-100: coarse classes
};

/// How text is opened.
struct TextOptions {
  std::string level = "auto";  ///< "word", "char", or "auto": as is the custom for the data
};

struct LayerOptions {
  std::string norm = "batch";  ///< a row of layers::norm_kinds()
  double dropout = 0;
  int64_t hidden = 256;
  int64_t depth = 2;
  int64_t heads = 4;
  int64_t feed_forward = 1024;
  std::string positions = "learned";
};

struct ProbeOptions {
  int64_t every = 0;  ///< steps between measurements of every product; 0: none
};

/// A schedule of quant/plan/schedule.h.
struct BitOptions {
  std::string schedule = "constant";
  int64_t low = 3;
  int64_t period = 0;
  double share = 0.5;
};

struct EvalOptions {
  int64_t every = 0;   ///< steps; 0: only at the end
  int64_t images = 0;  ///< 0: all of the test set
  int64_t tokens = 0;  ///< 0: all of the text
};

/// When checkpoints are written; docs/checkpoints.md.
struct CheckpointOptions {
  int64_t every = 0;    ///< steps; 0: by the clock
  double seconds = 60;  ///< where `every` is 0; 0: only at the beginning and the end
};

/// Everything that decides a run. Resolved in layers: the defaults below, what the model asks for (model_defaults.h),
/// the recipe, then a TOML file, then flags and --set. The table of keys (config_keys.h) says how each member is
/// called, what it may hold and what it means.
struct Config {
  std::string model;
  std::string data = "shapes";
  std::string plan = "U:6";
  std::string recipe = "paper";
  std::string weights;  ///< to start from; empty: drawn by the seed
  int64_t seed = 1;
  int64_t threads = fqt::threads();
  std::string out;  ///< empty: a fresh folder below runs/
  ImageOptions images;
  TextOptions text;
  TrainOptions train;
  EvalOptions eval;
  CheckpointOptions checkpoint;
  LayerOptions layers;
  ProbeOptions probe;
  BitOptions bits;
  quant::Recipe quant;
};

/// A value for a key, as a file or a flag gives it.
struct Assignment {
  std::string key;
  std::string text;
  std::string where;  ///< "fast.toml:3: train.batch", "--batch": begins every error about it
};

/// `key=value`, as --set takes it; of a key whose last part no other has, that part is enough: `hidden=200`.
/// Error(usage) where there is no '=', and where several keys end so.
Assignment parse_assignment(const std::string& text);

/// Applies one layer over what `config` holds. train.steps and train.epochs exclude each other within a layer; across
/// layers the later one wins. Error(usage) for an unknown key (with the nearest known one), a key given twice, and a
/// value of another type or outside its range (with what is allowed).
void apply_layer(Config& config, const std::vector<Assignment>& layer);

/// The defaults, those of the model and the recipe that the last layers to name them name, and the layers over them,
/// one after another.
Config resolve_config(const std::vector<std::vector<Assignment>>& layers);

/// Every key and its value as a TOML file that apply_layer() reads back to the same configuration.
std::string to_toml(const Config& config);

/// The assignments of a TOML file. Error(missing) where there is none, Error(usage) with the line where it is not TOML
/// or holds something no key can.
std::vector<Assignment> read_config_file(const std::string& path);
/// The same of a text; `source` stands for the file in errors.
std::vector<Assignment> read_config_text(const std::string& text, const std::string& source);

}  // namespace fqt::trainer
