#pragma once

#include <vector>

#include "quant/naive_product.h"
#include "quant/operand.h"

namespace fqt::test {

/// An operand as whole numbers level - zero, to be multiplied exactly in float64, and its scales: one, or one for each
/// channel of the last axis.
struct Whole {
  Doubles differences;
  Doubles scales;
};

/// `values` at `precision`, in the plain order. Rounding is operand_test's matter; here it is taken as given.
Whole whole(const Tensor& values, const quant::OperandPrecision& precision, const std::vector<quant::Range>& ranges,
            const quant::Noise& noise);

/// The extremes; of each channel where `precision` asks for that.
quant::Range range_of(const Tensor& values);
std::vector<quant::Range> ranges_of(const Tensor& values, const quant::OperandPrecision& precision);

/// Values of `actual` that are not the sum times both scales, rounded once.
int mismatches(const Tensor& actual, const Doubles& sums, const Doubles& lhs_scales, const Doubles& rhs_scales);

}  // namespace fqt::test
