#pragma once

#include <string>
#include <vector>

#include "trainer/checkpoint.h"
#include "trainer/experiment.h"
#include "trainer/json.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// What a resumed run goes on with.
struct Resumption {
  Checkpoint checkpoint;
  std::string config_toml;  ///< what config.toml should say
};

/// The configuration of a run to be resumed, and what its config.toml should say then.
struct ResumedConfig {
  Config config, recorded;
};

/// The run's own configuration with `layers` over it. Error(usage) naming every key that would change what is computed;
/// keys that repeat what the run has are welcome. Error(data) where another version of fqt wrote the checkpoint.
ResumedConfig resumed_config(const RunDirectory& directory, const Checkpoint& checkpoint,
                             const std::vector<std::vector<Assignment>>& layers);

/// Error(usage) where the plan gives other bits than the run had, or where another number of steps would have changed
/// the learning rate or the bits of a step that is done.
void check_resumable(const Experiment& experiment, const Checkpoint& checkpoint);

/// Error(data) where the data is not what the run began with.
void check_same_data(const Checkpoint& checkpoint, const Experiment& experiment);

}  // namespace fqt::trainer
