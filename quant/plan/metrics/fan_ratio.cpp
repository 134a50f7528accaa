#include "quant/plan/metric.h"

namespace fqt::quant {

double fan_ratio(const MetricInput& input) {
  const ConvGeometry& g = input.site.geometry;
  return static_cast<double>(g.group_in()) / static_cast<double>(g.group_out());
}

}  // namespace fqt::quant
