#pragma once

#include <cstdint>

#include "quant/site.h"
#include "quant/statistics.h"

namespace fqt::quant {

/// What a probe is told about one product of one site.
struct Observation {
  const Site& site;
  uint64_t step;  ///< 0-based
  ProductKind product;
  int64_t terms;  ///< of each sum
  const OperandStatistics& lhs;
  const OperandStatistics& rhs;
  int64_t largest_sum;  ///< |sum| of level differences, before scaling; 0 for fp32
  int64_t overflows;    ///< additions that left an emulated accumulator's range
};

/// Listens to the quantized products of a step. A step without one measures nothing.
class Probe {
 public:
  virtual ~Probe() = default;
  virtual void observe(const Observation& observation) = 0;
};

}  // namespace fqt::quant
