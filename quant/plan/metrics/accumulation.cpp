#include "quant/plan/metric.h"

namespace fqt::quant {

double accumulation(const MetricInput& input) {
  return static_cast<double>(input.site.product(input.product, input.batch).terms);
}

}  // namespace fqt::quant
