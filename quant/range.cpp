#include "quant/range.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/extremes.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/rehearsal.h"

namespace fqt::quant {

namespace {

/// Channel c of values whose last axis is the channels.
std::vector<float> channel(std::span<const float> values, int64_t channels, int64_t c) {
  std::vector<float> own;
  own.reserve(values.size() / static_cast<size_t>(channels));
  for (size_t i = static_cast<size_t>(c); i < values.size(); i += static_cast<size_t>(channels))
    own.push_back(values[i]);
  return own;
}

Range estimate(std::span<const float> values, const Range& whole, int64_t samples, const OperandPrecision& precision) {
  if (precision.is_float() || values.empty() || Rehearsal::active()) return whole;
  check(precision.percentile >= 50 && precision.percentile <= 100, "[range] a percentile of {}; give 50 to 100",
        precision.percentile);
  const Range range =
      precision.range->estimate({values, whole, samples, precision.format, precision.bits, precision.percentile});
  // A point says nothing of values that differ: its grid would be one for constants.
  return range.low == range.high ? whole : range;
}

/// As a range; an error where a value was not finite.
Range checked(const kernels::Extremes& all, const OperandName& name) {
  if (!all.finite)
    fail(ErrorKind::data,
         "[product] {} of site '{}' holds NaN or infinity in step {}: training has diverged or its input is damaged",
         name.operand, name.site, name.step + 1);
  return {all.low, all.high};
}

}  // namespace

Range extremes(std::span<const float> values, const OperandName& name) {
  const auto all = parallel_extremes(static_cast<int64_t>(values.size()), 1 << 15,
                                     [&](int64_t begin, int64_t end, kernels::Extremes* own) {
                                       kernels::active().codes.extremes(values.data() + begin, end - begin, own);
                                     });
  return all ? checked(*all, name) : Range{};
}

Range estimate_range(std::span<const float> values, int64_t samples, const OperandPrecision& precision,
                     const OperandName& name) {
  const profile::Scope scope(profile::Phase::range);
  return estimate(values, extremes(values, name), samples, precision);
}

Range estimate_range(const Tensor& values, int64_t samples, const OperandPrecision& precision,
                     const OperandName& name) {
  if (!values.extremes()) return estimate_range(values.values(), samples, precision, name);
  const profile::Scope scope(profile::Phase::range);
  return estimate(values.values(), checked(*values.extremes(), name), samples, precision);
}

std::vector<Range> estimate_channel_ranges(std::span<const float> values, int64_t channels,
                                           const OperandPrecision& precision, const OperandName& name) {
  const profile::Scope scope(profile::Phase::range);
  std::vector<Range> ranges(static_cast<size_t>(channels));
  parallel_for(channels, 4, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const std::vector<float> own = channel(values, channels, c);
      ranges[static_cast<size_t>(c)] = estimate(own, extremes(own, name), 1, precision);
    }
  });
  return ranges;
}

void update_running(Tensor& running, const Range& batch, double momentum) {
  float* range = running.data();
  const bool first = range[0] == 0 && range[1] == 0;
  const float keep = first ? 0.0f : static_cast<float>(momentum), take = 1.0f - keep;
  range[0] = keep * range[0] + take * batch.low;
  range[1] = keep * range[1] + take * batch.high;
}

}  // namespace fqt::quant
