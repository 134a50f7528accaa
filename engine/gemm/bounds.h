#pragma once

#include <cstdint>
#include <span>

#include "engine/gemm/accumulator.h"
#include "engine/gemm/gemm.h"

namespace fqt::gemm {

/// What kernels take off the levels of a left operand: 0, or 32768 where they do not fit int16.
int level_bias(const Levels& lhs);

/// What the operands can be at most, where the columns of the right one have these zero levels.
OperandBounds operand_bounds(const Levels& lhs, const Levels& rhs, std::span<const uint16_t> zeros);

}  // namespace fqt::gemm
