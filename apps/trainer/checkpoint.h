#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/optim/optimizer.h"
#include "layers/module.h"
#include "trainer/json.h"
#include "trainer/safetensors.h"

namespace fqt::trainer {

/// Where a run stands between two steps, beside what is in tensors.
struct RunState {
  int64_t step = 0;                 ///< steps done: the position of the loader, of every schedule and of random numbers
  int64_t items = 0;                ///< images or tokens in them
  double seconds = 0;               ///< of training
  std::vector<double> losses;       ///< of the last steps, oldest first
  int64_t evaluated = 0;            ///< the step after which the last evaluation on the way took place
  Json best;                        ///< the best of them: `step` and its figures; null: none yet
  Json overflows = Json::object();  ///< of emulated accumulators: site -> product -> count
  int64_t log_bytes = 0, probe_bytes = 0;  ///< of log.jsonl and probes.jsonl
};

/// A file of checkpoints/, read. docs/checkpoints.md has the format.
struct Checkpoint {
  std::string path;
  TensorFile file;
  RunState state;
  Json identity;  ///< run_identity() of the run it is of
};

/// Writes all that decides how a run goes on: parameters and buffers under their names, `optimizer/` and `state/`
/// before those of the optimizer and of recurrent layers; `state` and `identity` are metadata. Error(io).
void write_checkpoint(const std::string& path, layers::Module& model, optim::Optimizer& optimizer,
                      const RunState& state, const Json& identity);

/// Error(missing), Error(io); Error(data) where the file is damaged, no checkpoint, or of another format.
Checkpoint read_checkpoint(const std::string& path);

/// The same of a file that has been read, named `path` in errors.
Checkpoint to_checkpoint(const std::string& path, TensorFile file);

/// Moves its tensors into a model and an optimizer of the same kind; Error(data) where they do not fit.
void restore(Checkpoint&& checkpoint, layers::Module& model, optim::Optimizer& optimizer);

/// Whether a tensor of a file is there for training alone, and no part of a model's weights.
bool is_training_state(const std::string& name);

}  // namespace fqt::trainer
