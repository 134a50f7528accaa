#pragma once

#include <string>
#include <vector>

#include "trainer/checkpoint.h"
#include "trainer/experiment.h"
#include "trainer/json.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// What a run must share with one that goes on from its checkpoint, or repeats it: version, every key that decides what
/// is computed, the bits of each site, the hashes of the data, and that of the weights it starts from, which the model
/// holds. `data` is the manifest's.
Json run_identity(const Experiment& experiment, const Json& data);

/// In what an identity is not that of a run on record, versions apart, each in words: "seed (2; the run has 1)".
std::vector<std::string> identity_differences(const Json& here, const Json& recorded);

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
void check_same_data(const Checkpoint& checkpoint, const Experiment& experiment, const Json& data);

}  // namespace fqt::trainer
