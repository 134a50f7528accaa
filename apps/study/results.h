#pragma once

#include <functional>
#include <string>
#include <vector>

#include "study/run_state.h"
#include "trainer/json.h"

namespace fqt::study {

/// A row of results.jsonl: what ran, how it ended, and what it came to; null where that is not known.
trainer::Json result_row(const SweepRun& run, const RunState& state);

/// Rows as CSV, with the keys of the first as its header; null is empty.
std::string to_csv(const std::vector<trainer::Json>& rows);

/// Replaces results.jsonl and results.csv. Processes that do so at once wait for each other, and ask for their rows
/// only then, so that none puts back what another has seen change. Error(io).
void write_results(const SweepFolder& folder, const std::function<std::vector<trainer::Json>()>& rows_now);

}  // namespace fqt::study
