#pragma once

#include <string>
#include <vector>

#include "study/estimate.h"
#include "trainer/json.h"

namespace fqt::study {

/// A run that is to be done, or gone on with.
struct Work {
  const SweepRun* run;
  size_t place = 0;     ///< of the run in its sweep, from 0
  double done = 0;      ///< share of its steps, where it goes on
  Expected expected{};  ///< of the whole run

  double seconds_left() const { return expected.seconds * (1 - done); }
};

/// "12 runs to do, about 1:20:00 in all: 2 at a time on 1 thread each, 240 MB each at most"; it says so where not all
/// of them could be timed.
std::string estimate_text(const std::vector<Work>& work, Share share);

/// The same for programs, with what each run is expected to take.
trainer::Json estimate_json(const std::vector<Work>& work, Share share);

/// What each counts in a share of all that is to be done: its seconds, and of those that could not be timed the mean of
/// the others.
std::vector<double> weights_of(const std::vector<Work>& work);

}  // namespace fqt::study
