#include "data/jpeg.h"

#include <cstddef>

namespace fqt::data {
namespace {

constexpr uint8_t kHuffman = 0xC4, kEnd = 0xD9, kScan = 0xDA, kQuantization = 0xDB, kRestart = 0xDD, kComment = 0xFE;
constexpr const char* kCutOff = "it is cut off";
constexpr const char* kBroken = "a segment is malformed";

/// A position among the bytes.
struct Cursor {
  std::span<const uint8_t> bytes;
  size_t at;

  bool has(size_t count) const { return at <= bytes.size() && count <= bytes.size() - at; }
  int64_t length() const { return bytes[at] << 8 | bytes[at + 1]; }

  /// Moves behind the next marker; false at the end.
  bool next(uint8_t& marker) {
    while (at < bytes.size() && bytes[at] != 0xFF) ++at;
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;
    if (at >= bytes.size()) return false;
    marker = bytes[at++];
    return true;
  }
};

/// Moves behind the Huffman tables (ITU T.81, B.2.4.2).
const char* skip_huffman(Cursor& cursor) {
  if (!cursor.has(2)) return kCutOff;
  int64_t left = cursor.length() - 2;
  for (cursor.at += 2; left > 0;) {
    if (!cursor.has(17)) return kCutOff;
    size_t symbols = 0;
    for (size_t i = 1; i <= 16; ++i) symbols += cursor.bytes[cursor.at + i];
    if (symbols > 256) return "a Huffman table has more than 256 symbols";
    cursor.at += 17 + symbols;
    left -= static_cast<int64_t>(17 + symbols);
  }
  return nullptr;
}

/// Moves behind the quantization tables (B.2.4.1).
const char* skip_quantization(Cursor& cursor) {
  if (!cursor.has(2)) return kCutOff;
  int64_t left = cursor.length() - 2;
  for (cursor.at += 2; left > 0;) {
    if (!cursor.has(1)) return kCutOff;
    const int64_t table = cursor.bytes[cursor.at] >> 4 ? 129 : 65;
    cursor.at += static_cast<size_t>(table);
    left -= table;
  }
  return nullptr;
}

const char* skip_segment(Cursor& cursor) {
  if (!cursor.has(2)) return kCutOff;
  if (cursor.length() < 2) return kBroken;
  cursor.at += static_cast<size_t>(cursor.length());
  return nullptr;
}

/// A frame header, a comment, an application's segment or a restart interval: they say how long they are.
bool has_length(uint8_t marker) {
  return (marker >= 0xC0 && marker <= 0xCF) || (marker >= 0xE0 && marker <= 0xEF) || marker == kComment ||
         marker == kRestart;
}

const char* walk_scans(Cursor cursor) {
  bool ended = false;
  for (size_t i = cursor.at; i + 1 < cursor.bytes.size(); ++i) {
    if (cursor.bytes[i] != 0xFF) continue;
    ended |= cursor.bytes[i + 1] == kEnd;
    if (cursor.bytes[i + 1] != kHuffman) continue;
    Cursor table{cursor.bytes, i + 2};
    if (const char* reason = skip_huffman(table)) return reason;
  }
  return ended ? nullptr : kCutOff;
}

}  // namespace

const char* malformed_jpeg(std::span<const uint8_t> bytes) {
  Cursor cursor{bytes, 2};
  for (uint8_t marker = 0; cursor.next(marker);) {
    if (marker == kScan) return walk_scans(cursor);
    const char* reason = marker == kHuffman        ? skip_huffman(cursor)
                         : marker == kQuantization ? skip_quantization(cursor)
                         : has_length(marker)      ? skip_segment(cursor)
                                                   : kBroken;
    if (reason) return reason;
  }
  return kCutOff;
}

}  // namespace fqt::data
