#include "quant/plan/metric.h"

namespace fqt::quant {

double depth(const MetricInput& input) { return input.depth_layer ? input.site.layer : input.site.stage; }

}  // namespace fqt::quant
