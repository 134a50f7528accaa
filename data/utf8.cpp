#include "data/utf8.h"

namespace fqt::data {
namespace {

/// What a first byte says of its sequence (RFC 3629, section 3).
struct Lead {
  uint8_t low, high;  ///< first bytes it holds for
  int length;
  char32_t least;  ///< anything less is an overlong form
};

constexpr Lead kLeads[] = {{0xC2, 0xDF, 2, 0x80}, {0xE0, 0xEF, 3, 0x800}, {0xF0, 0xF4, 4, 0x10000}};

}  // namespace

std::optional<char32_t> next_code_point(std::string_view text, size_t& position) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
  const uint8_t first = byte(position);
  if (first < 0x80) {
    ++position;
    return first;
  }
  for (const Lead& lead : kLeads) {
    if (first < lead.low || first > lead.high) continue;
    const auto length = static_cast<size_t>(lead.length);
    if (length > text.size() - position) return std::nullopt;
    char32_t code = first & (0x7Fu >> lead.length);
    for (size_t i = 1; i < length; ++i) {
      if ((byte(position + i) & 0xC0) != 0x80) return std::nullopt;
      code = code << 6 | (byte(position + i) & 0x3Fu);
    }
    if (code < lead.least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
    position += length;
    return code;
  }
  return std::nullopt;
}

std::optional<size_t> find_malformed_utf8(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    if (!next_code_point(text, position)) return position;
  }
  return std::nullopt;
}

std::string to_utf8(char32_t code_point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xE0 | code_point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace fqt::data
