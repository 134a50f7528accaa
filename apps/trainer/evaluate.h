#pragma once

#include <cstdint>

#include "trainer/experiment.h"
#include "trainer/inputs.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

namespace fqt::trainer {

struct Evaluation {
  double loss = 0;      ///< mean cross-entropy, in nats
  double accuracy = 0;  ///< percent
  double top5 = 0;      ///< percent whose label is among the five largest logits
  int64_t items = 0;    ///< images or tokens

  /// exp(loss): of text, what a model is judged by.
  double perplexity() const;
};

/// The model's loss and accuracy on the first items of a split (config.eval), in evaluation mode: running statistics
/// and ranges, no augmentation. Of text, whole batches are used. Error(interrupted) after a signal.
Evaluation evaluate(const Experiment& experiment, Split split, Progress& progress, const Interrupt& interrupt);

}  // namespace fqt::trainer
