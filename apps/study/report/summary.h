#pragma once

#include <span>
#include <string>

#include "study/report/setups.h"

namespace fqt::study {

/// What was run, in a sentence or two, as text: "8 runs: 7 finished, 1 diverged."
std::string counts_in_words(std::span<const Outcome> runs);

/// What was found, in plain words, with the main table and the one of C+ against C-: HTML.
std::string summary_html(std::span<const Outcome> runs, const SortedRuns& sorted);

/// Every run: how it went and how to run it again: HTML.
std::string runs_html(std::span<const Outcome> runs);

}  // namespace fqt::study
