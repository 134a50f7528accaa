#include "engine/kernels/table.h"
#include "quant/ranges/estimator.h"

namespace fqt::quant {

Range estimate_sample_mean(const RangeInput& input) {
  const auto extremes = kernels::active().codes.extremes;
  const int64_t count = static_cast<int64_t>(input.values.size()) / input.samples;
  double low = 0, high = 0;  // summed in the order of the samples
  for (int64_t s = 0; s < input.samples; ++s) {
    const float* sample = input.values.data() + s * count;
    kernels::Extremes own{*sample, *sample, true};
    extremes(sample, count, &own);
    low += own.low;
    high += own.high;
  }
  const double samples = static_cast<double>(input.samples);
  return {static_cast<float>(low / samples) + 0.0f, static_cast<float>(high / samples) + 0.0f};
}

}  // namespace fqt::quant
