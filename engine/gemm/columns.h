#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/gemm/gemm.h"

namespace fqt::gemm {

/// The zero level of every column of a product: rhs.zero, or its own of rhs.column_zeros.
std::vector<uint16_t> product_zeros(const GatherProduct& product, const Levels& rhs);

/// The scale of every column of a product, from one for all or one for each column of the result, and room for a whole
/// panel behind them.
std::vector<double> product_scales(const GatherProduct& product, std::span<const double> scales);

}  // namespace fqt::gemm
