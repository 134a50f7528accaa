#include "quant/plan/metric.h"

#include "engine/find.h"

namespace fqt::quant {
namespace {

constexpr Metric kMetrics[] = {
    {"A", "accumulation", "terms of each sum", accumulation},
    {"F", "frequency", "uses of a weight for one sample", frequency},
    {"D", "depth", "stage from the input, or layer", depth},
    {"P", "parameters", "weights of the layer", parameters},
    {"I", "fan ratio", "fan-in over fan-out", fan_ratio},
};

}  // namespace

std::span<const Metric> metrics() { return kMetrics; }

const Metric& find_metric(std::string_view name) { return find_row(kMetrics, name, "plan", "metric"); }

}  // namespace fqt::quant
