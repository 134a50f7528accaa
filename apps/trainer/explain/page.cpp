#include "trainer/explain/page.h"

#include <fmt/format.h>

namespace fqt::trainer {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kNames = 12;  ///< letters of a fact's name
constexpr std::string_view kBoldStart = "\x1b[1m", kCyanStart = "\x1b[36m", kPlain = "\x1b[0m";

}  // namespace

void Page::emphasized(std::string_view style, std::string_view text) {
  line(color_ ? fmt::format("{}{}{}", style, text, kPlain) : std::string(text));
}

void Page::heading(std::string_view text) {
  if (!text_.empty()) line();
  emphasized(kBoldStart, text);
}

void Page::subheading(std::string_view text) {
  line();
  text_ += "  ";
  emphasized(kCyanStart, text);
}

void Page::line(std::string_view text) { text_.append(text).append("\n"); }

/// Words from column `first` on, of later lines from column `rest` on.
void Page::broken(std::string_view text, size_t first, size_t rest) {
  size_t column = first;
  bool begun = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (begun && column + 1 + word.size() > kWidth) {
      text_.append("\n").append(rest, ' ');
      column = rest;
    } else if (begun) {
      text_ += ' ';
      ++column;
    }
    text_ += word;
    column += word.size();
    begun = true;
  }
  line();
}

void Page::paragraph(std::string_view text, size_t indent) {
  text_.append(indent, ' ');
  broken(text, indent, indent);
}

void Page::fact(std::string_view name, std::string_view text, size_t indent) {
  text_ += fmt::format("{:{}}{:<{}}", "", indent, name, kNames);
  broken(text, indent + kNames, indent + kNames);
}

}  // namespace fqt::trainer
