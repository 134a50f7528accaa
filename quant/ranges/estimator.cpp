#include "quant/ranges/estimator.h"

#include "engine/find.h"

namespace fqt::quant {
namespace {

Range estimate_extremes(const RangeInput& input) { return input.extremes; }

constexpr RangeEstimator kEstimators[] = {
    {"extremes", "smallest and largest value", estimate_extremes},
    {"sample_mean", "mean over samples of each sample's smallest and largest value", estimate_sample_mean},
    {"running", "running average of the batches' extremes, in training too", estimate_extremes, true},
    {"percentile", "the range that holds a given share of the values", estimate_percentile},
    {"mse", "the range whose grid has the least mean squared error", estimate_mse},
};

}  // namespace

std::span<const RangeEstimator> range_estimators() { return kEstimators; }

const RangeEstimator& find_range_estimator(std::string_view name) {
  return find_row(kEstimators, name, "range", "range");
}

}  // namespace fqt::quant
