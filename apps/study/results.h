#pragma once

#include <functional>
#include <string>
#include <vector>

#include "study/run_state.h"
#include "trainer/json.h"

namespace fqt::study {

/// What is known of a run, be it only what it will be.
Outcome outcome_of(const SweepRun& run, const RunState& state);

/// A row of results.jsonl: what ran, how it ended, and what it came to; null where that is not known.
trainer::Json result_row(const SweepRun& run, const RunState& state);

/// Rows of the runs in the folder that are not among `runs`, by name: earlier sweeps, of another --set or --scale, left
/// them. They are made from the run directories; of one that cannot be read, and of one that failed before it had a
/// directory, the row stays as results.jsonl has it. Rows of directories that are gone go, too.
std::vector<trainer::Json> other_rows(const SweepFolder& folder, const std::vector<SweepRun>& runs);

/// Rows as CSV, with the keys of the first as its header; null is empty, and so is what a row lacks.
std::string to_csv(const std::vector<trainer::Json>& rows);

/// Replaces results.jsonl and results.csv. Processes that do so at once wait for each other, and ask for their rows
/// only then, so that none puts back what another has seen change. Error(io).
void write_results(const SweepFolder& folder, const std::function<std::vector<trainer::Json>()>& rows_now);

}  // namespace fqt::study
