#include "engine/hash.h"

#include <fmt/core.h>
#include <xxhash.h>

namespace fqt {

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t hash_text(std::string_view text, uint64_t seed) { return hash_bytes(std::as_bytes(std::span(text)), seed); }

uint64_t hash_floats(std::span<const float> values, uint64_t seed) { return hash_bytes(std::as_bytes(values), seed); }

std::string to_hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

}  // namespace fqt
