#pragma once

#include <cstdint>

#include "trainer/experiment.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

namespace fqt::trainer {

struct Evaluation {
  double loss = 0;      ///< mean cross-entropy
  double accuracy = 0;  ///< percent
  int64_t images = 0;
};

/// The model's loss and accuracy on the test set (its first config.eval.images), in evaluation mode: running statistics
/// and ranges, no augmentation. Error(interrupted) after a signal.
Evaluation evaluate(const Experiment& experiment, Progress& progress, const Interrupt& interrupt);

}  // namespace fqt::trainer
