#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace fqt::trainer {

/// Whole numbers as NumPy prints an array: nested brackets, columns aligned, lines of at most 80 letters. Of more than
/// 200 numbers, the first and last few along each axis with "..." between. `values` are row-major.
std::string array_text(const Shape& shape, std::span<const int32_t> values);

}  // namespace fqt::trainer
