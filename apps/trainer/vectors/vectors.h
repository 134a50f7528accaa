#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trainer/json.h"

namespace fqt::trainer {

/// Test vectors: inputs and what fqt makes of them, for other implementations to be checked against. docs/vectors.md
/// has the keys of every topic. The same seed gives the same bytes.
struct VectorTopic {
  std::string name;  ///< of the file, without ".json"
  std::string about;
  std::function<std::vector<Json>(uint64_t seed)> cases;
};

std::vector<VectorTopic> vector_topics();

struct VectorFile {
  std::string name;
  size_t cases = 0, bytes = 0;
};

/// Writes a file for each topic into `folder`, which is made, and index.json when all the others are there.
/// Error(usage) where `folder` exists and is not an empty folder, Error(io).
std::vector<VectorFile> write_vectors(const std::string& folder, uint64_t seed);

}  // namespace fqt::trainer
