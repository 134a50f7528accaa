#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace fqt::trainer {

/// Arrays in NumPy's .npy files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic
/// string, a version, a header that is a Python dictionary of dtype, order and shape, and the values.
///
/// Reads files that anybody may have written, of versions 1.0, 2.0 and 3.0, in C or Fortran order. Error(missing) where
/// there is none; Error(data), naming the file and what is wrong, for a header that is not what the format says,
/// another dtype, and a shape that is not that of the bytes which follow.

/// '<f4', or '<f8' rounded to float32; Error(data) where a finite value becomes infinite.
Tensor read_npy(const std::string& path);

/// '<u2', in C order whatever the shape: the words of noise of stochastic rounding.
std::vector<uint16_t> read_npy_words(const std::string& path);

/// Writes version 1.0 in C order, byte for byte as numpy.save does today, replacing the file whole or not at all. T is
/// float, int8_t, int16_t, int32_t or uint16_t. Error(io); Error(usage) where `shape` does not hold `values`.
template <typename T>
void write_npy(const std::string& path, const Shape& shape, std::span<const T> values);

}  // namespace fqt::trainer
