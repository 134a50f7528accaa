#pragma once

#include <string>

#include "trainer/experiment.h"
#include "trainer/json.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// What was run, by what and where: version, commit, compiler, processor, instruction set, threads, data and its
/// hashes, seed. Written when a run begins, and again with its outcome when it ends.
Json describe_run(const Experiment& experiment);

/// Error(missing) where there is none, Error(data) where it is not JSON.
Json read_manifest(const RunDirectory& directory);

/// Error(io).
void write_manifest(const RunDirectory& directory, const Json& manifest);

}  // namespace fqt::trainer
