#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fqt {

/// xxh3, 64 bits.
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed = 0);
uint64_t hash_text(std::string_view text, uint64_t seed = 0);
uint64_t hash_floats(std::span<const float> values, uint64_t seed = 0);

/// Sixteen lower-case hexadecimal digits.
std::string to_hex(uint64_t hash);

}  // namespace fqt
