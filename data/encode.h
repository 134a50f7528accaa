#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/text.h"

namespace fqt::data {

inline constexpr std::string_view kEndOfSentence = "<eos>";
inline constexpr std::string_view kUnknown = "<unk>";

/// A text cut into tokens, before it is known which of them the training text holds.
struct EncodedText {
  std::vector<int32_t> tokens;
  int64_t words = 0;  ///< tokens other than the <eos> of a line
  int64_t lines = 0;
};

/// Cuts `text` into tokens and numbers them by `vocabulary`, which grows by what is new, in the order of appearance.
/// Error(data) "[text] source: ..." with the offset of the first byte that is not UTF-8.
using Encoder = EncodedText (*)(std::string_view text, const std::string& source, Vocabulary& vocabulary);

/// Words lie between spaces, tabs, carriage returns, form feeds and vertical tabs; each line, be it empty or the last
/// one without a line end, ends with <eos>.
EncodedText encode_words(std::string_view text, const std::string& source, Vocabulary& vocabulary);

/// A token is a Unicode code point, a line end among them.
EncodedText encode_characters(std::string_view text, const std::string& source, Vocabulary& vocabulary);

/// Error(usage) that lists the levels where there is none of this name.
Encoder find_encoder(const std::string& level);

}  // namespace fqt::data
