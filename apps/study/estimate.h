#pragma once

#include <string>
#include <vector>

#include "study/sweep_runs.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"

namespace fqt::study {

/// How many runs work at once, and on how many threads each.
struct Share {
  int jobs = 1;
  int threads = 1;
};

/// What a run is expected to take.
struct Expected {
  double seconds = 0;
  int64_t memory = 0;   ///< bytes
  std::string unknown;  ///< why it could not be timed; empty where it was
};

/// What runs are expected to take. Of each kind of run (model, data, batch, lengths of sequences, and
/// whether the widest operand is of up to 8 bits, more, or float) one trains for three steps in a temporary
/// folder: its last two steps, the time it takes to begin, and evaluation at a third of a step for as many items make
/// up the estimate. Kinds that cannot be timed stay unknown, and `progress` hears why. The folder is
/// gone when this returns. Error(interrupted) after a signal, Error(io) where there can be no such folder.
std::vector<Expected> expect(const std::vector<const SweepRun*>& runs, Share share, trainer::Progress& progress,
                             const trainer::Interrupt& interrupt);

}  // namespace fqt::study
