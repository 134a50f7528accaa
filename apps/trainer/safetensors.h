#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace fqt::trainer {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// The content of a safetensors file (https://github.com/huggingface/safetensors, "Format"): eight bytes of header
/// length, a JSON header of names, dtypes, shapes and offsets, and the values, little-endian.
struct TensorFile {
  std::vector<NamedTensor> tensors;  ///< in the order of their values in the file
  std::map<std::string, std::string> metadata;
  /// Tensors of whole numbers (dtype I64), which are left in the file.
  std::vector<std::string> whole_numbers = {};
};

/// Replaces the file, whole or not at all. Error(io).
void write_safetensors(const std::string& path, const TensorFile& file);

/// Reads a file that anybody may have written. Error(missing) where there is none; Error(data), naming the tensor and
/// what is wrong, for a header that is not what the format says, a dtype other than F32 and I64, and offsets that
/// overlap, leave holes, do not fit the shape or do not end where the file does.
TensorFile read_safetensors(const std::string& path);

}  // namespace fqt::trainer
