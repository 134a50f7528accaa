#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/evaluate.h"
#include "trainer/experiment.h"
#include "trainer/interrupt.h"
#include "trainer/memory.h"
#include "trainer/progress.h"
#include "trainer/resume.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// What a finished run came to.
struct TrainResult {
  int64_t steps = 0;
  double epochs = 0;      ///< steps * batch / images an epoch
  double train_loss = 0;  ///< mean of the last steps' losses, up to 100 of them
  Evaluation test;
  double seconds = 0;  ///< of training; evaluation apart
  double items_per_second = 0;
  int64_t memory_peak = 0;  ///< bytes the process has held at once
  uint64_t weights_hash = 0;
};

/// `memory` is what the manifest says was expected. Trains experiment.model for config.train.steps steps and evaluates
/// it, from the beginning or, to the same bits, from a checkpoint; it must be resumable
/// (resume.h), and Error(data) where it is of other data. Writes the run directory
/// from the first step on; however a run ends, its log, its manifest and (unless it diverged) its weights and
/// checkpoints stay there. Error(interrupted) after a signal; Error(data) naming the step where it diverged (a loss, an
/// operand or a weight that is NaN or infinite); Error(io) where the run directory cannot be written.
TrainResult train(Experiment& experiment, const MemoryNeed& memory, const RunDirectory& directory, Progress& progress,
                  const Interrupt& interrupt, std::optional<Resumption> from = std::nullopt);

}  // namespace fqt::trainer
