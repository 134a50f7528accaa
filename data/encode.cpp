#include "data/encode.h"

#include "data/utf8.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

struct Level {
  std::string_view name;
  Encoder encode;
};

constexpr Level kLevels[] = {{"word", encode_words}, {"char", encode_characters}};

[[noreturn]] void fail_malformed(std::string_view text, const std::string& source, size_t offset) {
  fail(ErrorKind::data, "[text] {}: byte {} (0x{:02x}) is not UTF-8; convert the text to UTF-8 first", source, offset,
       static_cast<uint8_t>(text[offset]));
}

}  // namespace

EncodedText encode_words(std::string_view text, const std::string& source, Vocabulary& vocabulary) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  if (const auto offset = find_malformed_utf8(text)) fail_malformed(text, source, *offset);
  EncodedText result;
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    const std::string_view words = text.substr(line, end - line);
    for (size_t begin = words.find_first_not_of(kBlanks); begin != words.npos;) {
      const size_t behind = std::min(words.find_first_of(kBlanks, begin), words.size());
      result.tokens.push_back(vocabulary.add(words.substr(begin, behind - begin)));
      ++result.words;
      begin = words.find_first_not_of(kBlanks, behind);
    }
    result.tokens.push_back(vocabulary.add(kEndOfSentence));
    ++result.lines;
    line = end + 1;
  }
  return result;
}

EncodedText encode_characters(std::string_view text, const std::string& source, Vocabulary& vocabulary) {
  std::vector<int32_t> ids;  // of the code points up to the largest so far
  EncodedText result;
  result.tokens.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    const auto code = next_code_point(text, position);
    if (!code) fail_malformed(text, source, position);
    if (*code >= ids.size()) ids.resize(*code + 1, -1);
    int32_t& id = ids[*code];
    if (id < 0) id = vocabulary.add(to_utf8(*code));
    result.tokens.push_back(id);
    result.lines += *code == U'\n';
  }
  result.words = static_cast<int64_t>(result.tokens.size());
  return result;
}

Encoder find_encoder(const std::string& level) {
  std::string names;
  for (const Level& row : kLevels) {
    if (row.name == level) return row.encode;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  }
  fail(ErrorKind::usage, "[text] there is no level \"{}\"; there are {}", level, names);
}

}  // namespace fqt::data
