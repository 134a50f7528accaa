#pragma once

#include <span>
#include <string>

#include "study/outcome.h"
#include "trainer/json.h"

namespace fqt::study {

/// What runs come to, as one HTML file that needs no other: docs/reports.md. Error(data) where a run's probes.jsonl
/// cannot be read.
std::string report_html(std::span<const Outcome> runs);

/// What it holds, in brief: runs, statuses and, of each setup, its plans and comparisons.
trainer::Json report_json(std::span<const Outcome> runs);

}  // namespace fqt::study
