#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/experiment.h"

namespace fqt::trainer {

/// What a run takes up in memory at its height, in bytes.
struct MemoryNeed {
  int64_t weights = 0;    ///< and running statistics
  int64_t gradients = 0;  ///< of the weights
  int64_t optimizer = 0;
  int64_t activations = 0;  ///< and their gradients, as far as they are kept at once; codes and work areas
  int64_t batches = 0;      ///< prepared ahead, for training and for evaluation
  int64_t data = 0;         ///< what was opened of the data set
  int64_t program = 0;

  int64_t total() const { return weights + gradients + optimizer + activations + batches + data + program; }
};

/// Counted in a rehearsal (engine/rehearsal.h) of a few steps and a batch of evaluation, on a model of its own: it
/// takes a fraction of a second. Probes and what is read to start from (`weights`) are not counted.
MemoryNeed expected_memory(const Experiment& experiment);

/// "about 287 MB (weights 1 MB, ..., program 12 MB)", in MB of 10^6 bytes; parts that round to 0 are left out.
std::string describe(const MemoryNeed& need);

/// What to do where `available` bytes are fewer than the run needs, in one line; nothing where they are enough.
std::optional<std::string> memory_warning(const Experiment& experiment, const MemoryNeed& need, int64_t available);

}  // namespace fqt::trainer
