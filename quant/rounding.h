#pragma once

#include <string>
#include <string_view>

#include "engine/kernels/codes.h"

namespace fqt::quant {

/// How values become levels; kernels::CodeKernels::quantize has the formulas.
using kernels::Rounding;

/// Error(usage) naming the known ones where there is none of this name.
Rounding parse_rounding(std::string_view name);
std::string_view rounding_name(Rounding rounding);
/// "nearest, nearest_away, toward_zero, stochastic"
std::string known_roundings();

}  // namespace fqt::quant
