#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/config.h"

namespace fqt::study {

/// How far a run is.
enum class Status {
  waiting,      ///< its folder is there, and nothing is done yet
  running,      ///< a process trains in it now
  interrupted,  ///< stopped or killed; `fqt train --resume` goes on
  finished,
  diverged,  ///< a loss, an operand or a weight became NaN or infinite
  failed,
};

/// "finished"
std::string_view name_of(Status status);

struct LossPoint {
  int64_t step = 0;  ///< steps done, this one included
  double loss = 0;   ///< of that step's batch, in nats; NaN where it was no number
  double learning_rate = 0;
  double seconds = 0;  ///< of training so far
};

/// An evaluation of log.jsonl. Images have accuracy and top5, in percent, text perplexity.
struct EvaluationPoint {
  int64_t step = 0;
  bool valid = false;  ///< on the validation text; else on the test set
  double loss = 0;
  std::optional<double> accuracy, top5, perplexity;
};

/// What a run is judged by.
struct Figure {
  std::string name;  ///< "test_accuracy", percent, of which more is better; "test_perplexity", "valid_perplexity"
  double value = 0;
  int64_t step = 0;

  bool higher_is_better() const { return name == "test_accuracy"; }
};

/// A product site under the run's plan, with the metrics of its forward product.
struct SiteOutcome {
  std::string site, kind;
  double accumulation = 0, frequency = 0, depth = 0;
  std::optional<int> bits;  ///< planned; none in float
};

/// What a training step holds and computes (docs/plans.md, Sizes).
struct SizeOutcome {
  double weights_mb = 0, activations_mb = 0, gradients_mb = 0;
  double bitops = 0;
  std::optional<double> mean_bits;  ///< none where all is float
};

/// What a run directory says of its run.
struct Outcome {
  std::string directory;
  std::string id;  ///< trainer::run_id: equal for runs that compute the same; empty while nothing is written
  trainer::Config config;
  Status status = Status::waiting;
  std::string message;  ///< of a run that failed or diverged

  std::string model, data, plan, recipe;
  int64_t seed = 0;
  int64_t batch = 0;
  int64_t parameters = 0;
  int64_t steps = 0, steps_done = 0;

  std::vector<LossPoint> losses;             ///< empty where only the summary was read
  std::vector<EvaluationPoint> evaluations;  ///< likewise
  std::optional<double> train_loss;          ///< mean of the last 100 steps' losses
  std::optional<Figure> final;               ///< on the test set, at the end
  std::optional<Figure> best;  ///< that of best.safetensors: the best evaluation on the way, of text on its valid set

  std::vector<SiteOutcome> sites;
  SizeOutcome size;
  double seconds = 0;  ///< of training
  double items_per_second = 0;
  int64_t memory_peak = 0;  ///< bytes
  std::string weights_hash;
  std::string version, commit, compiler, cpu, isa;
  int64_t threads = 0;
  std::string data_hash;  ///< of the training set
};

/// How much of a run directory is read.
enum class Read {
  summary,  ///< config.toml, manifest.json and how far log.jsonl has come
  all,      ///< and all of log.jsonl
};

/// Error(missing) where there is no run directory; Error(data) naming the file and the key, or the line, where
/// manifest.json or log.jsonl lacks what is read from it, as those of another version of fqt may.
Outcome read_outcome(const std::string& directory, Read what = Read::all);

/// Steps done by the last whole line of a run's log.jsonl that says so; 0 where there is none. Reads its end alone.
int64_t last_step(const std::string& directory);

/// Of each folder the run that it holds, or the runs in its folders, or in those of its folder `runs` (a sweep's), in
/// the order of their names; a run that is named twice is read once. Error(missing) naming a folder that does not
/// exist, is empty, or holds no run.
std::vector<Outcome> read_outcomes(const std::vector<std::string>& folders, Read what = Read::all);

}  // namespace fqt::study
