#pragma once

#include <string>
#include <vector>

#include "study/report/chart.h"
#include "study/report/setups.h"

namespace fqt::study {

// The figures of a setup. Where there is nothing to show there is no figure.

/// The training loss and the test metric over the steps: a line for each plan, a band over its seeds.
std::vector<Chart> curve_charts(const Setup& setup);
/// Final figures: bars from zero with error bars, and the same close up with every seed.
std::vector<Chart> bar_charts(const Setup& setup);
/// Planned bits, layers by plans.
std::vector<Chart> bit_charts(const Setup& setup);
/// The final figure against the size of the weights and against BitOPs.
std::vector<Chart> size_charts(const Setup& setup);
/// Quantization error of each layer over the steps, where runs were probed. Error(data) naming the line of a
/// probes.jsonl that cannot be read.
std::vector<Chart> error_charts(const Setup& setup);

/// Identifies a figure of a setup in the page and names its file: "resnet8-on-shapes-loss".
std::string chart_id(const Setup& setup, const std::string& what);

}  // namespace fqt::study
