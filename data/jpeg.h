#pragma once

#include <cstdint>
#include <span>

namespace fqt::data {

/// Why the segments of a JPEG must not be given to stb_image; null where they may. Debian's does not look whether a
/// Huffman table has more than the 256 symbols it has room for, and fills what is cut off with grey. The walk reads
/// segments as stb_image does, garbage between them and tables beyond their length included; behind the first scan,
/// where other segments may begin anywhere, every pair of bytes that could open a Huffman table is looked at.
const char* malformed_jpeg(std::span<const uint8_t> bytes);

}  // namespace fqt::data
