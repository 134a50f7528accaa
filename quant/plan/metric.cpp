#include "quant/plan/metric.h"

#include "engine/find.h"

namespace fqt::quant {
namespace {

constexpr Metric kMetrics[] = {
    {"A", "accumulation", "terms of each sum", accumulation},
    {"F", "frequency", "uses of an element of the right operand for one sample", frequency},
    {"D", "depth", "stage from the input", depth},
    {"P", "parameters", "weights of the layer", parameters},
    {"I", "fan ratio", "fan-in over fan-out", fan_ratio},
};

}  // namespace

std::span<const Metric> metrics() { return kMetrics; }

const Metric& find_metric(std::string_view name) { return find_row(kMetrics, name, "plan", "metric"); }

std::string_view describe(const Metric& metric, bool depth_layer) {
  return depth_layer && metric.value == depth ? "layer from the input" : metric.description;
}

}  // namespace fqt::quant
