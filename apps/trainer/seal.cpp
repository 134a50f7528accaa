#include "trainer/seal.h"

#include "engine/check.h"
#include "engine/hash.h"

namespace fqt::trainer {
namespace {

constexpr const char* kKey = "content_hash";

std::string content_hash(const TensorFile& file) {
  uint64_t hash = 0;
  for (const auto& [key, text] : file.metadata)
    if (key != kKey) hash = hash_text(text, hash_text(key, hash));
  for (const NamedTensor& named : file.tensors)
    hash = hash_floats(named.tensor.values(), hash_text(named.name + to_string(named.tensor.shape()), hash));
  return to_hex(hash);
}

}  // namespace

void seal(TensorFile& file) { file.metadata[kKey] = content_hash(file); }

bool is_whole(const TensorFile& file) {
  const auto kept = file.metadata.find(kKey);
  return kept != file.metadata.end() && kept->second == content_hash(file);
}

void check_seal(const std::string& path, const TensorFile& file) {
  if (file.metadata.contains(kKey) && !is_whole(file))
    fail(ErrorKind::data, "[safetensors] {}: what it holds does not match its hash; the file is damaged", path);
}

}  // namespace fqt::trainer
