#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/config.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// What came of running a run again beside what its folder says of it.
struct Verification {
  int64_t steps = 0;              ///< run again
  int64_t of = 0;                 ///< steps that the folder knows of
  int64_t losses = 0;             ///< of steps, on record and the same
  std::vector<int64_t> weights;   ///< steps after which their hash is on record, and the same
  std::string weights_hash;       ///< after the last step
  bool diverged = false;          ///< as the run on record did, in the same step
  std::string difference;         ///< the first thing that is not the same, in words; empty: there is none
  std::vector<std::string> here;  ///< what may be why: each thing that is not as it was for the run on record

  bool same() const { return difference.empty(); }
};

/// Runs the first `steps` steps (0: all that were done) of the run in a folder again, from its config.toml and
/// plan.toml with `flags` over them, and compares every loss in log.jsonl and every hash of weights in checkpoints/ and
/// manifest.json, to the last bit; it ends with the first that is not the same. Where the configuration, the bits, the
/// data or the weights to start from are not those that the run had, nothing is run. Nothing is written.
/// Error(missing), Error(data) where the folder's files cannot be read, Error(usage) where it holds nothing to compare
/// with, Error(interrupted) after a signal.
Verification verify(const RunDirectory& directory, const std::vector<Assignment>& flags, int64_t steps,
                    Progress& progress, const Interrupt& interrupt);

}  // namespace fqt::trainer
