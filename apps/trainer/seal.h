#pragma once

#include <string>

#include "trainer/safetensors.h"

namespace fqt::trainer {

/// Adds `content_hash` to the metadata: xxh3 over all other metadata and the names, shapes and values of all tensors.
void seal(TensorFile& file);

/// Whether the file has a content hash, and it is the right one.
bool is_whole(const TensorFile& file);

/// Error(data) naming `path` where the file has a content hash, and not the right one.
void check_seal(const std::string& path, const TensorFile& file);

}  // namespace fqt::trainer
