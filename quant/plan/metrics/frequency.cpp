#include "quant/plan/metric.h"

namespace fqt::quant {

double frequency(const MetricInput& input) { return input.site.product(input.product, input.batch).rhs_uses; }

}  // namespace fqt::quant
