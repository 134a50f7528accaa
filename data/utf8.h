#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fqt::data {

/// The code point that begins at text[position], and moves `position` behind it. Nothing, and `position` unmoved, where
/// no well-formed sequence begins there (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
std::optional<char32_t> next_code_point(std::string_view text, size_t& position);

/// Where the first byte stands that begins no well-formed sequence; nothing where the text is UTF-8 throughout.
std::optional<size_t> find_malformed_utf8(std::string_view text);

std::string to_utf8(char32_t code_point);

}  // namespace fqt::data
