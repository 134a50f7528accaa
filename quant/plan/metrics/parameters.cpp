#include "quant/plan/metric.h"

namespace fqt::quant {

double parameters(const MetricInput& input) { return static_cast<double>(input.site.weights()); }

}  // namespace fqt::quant
