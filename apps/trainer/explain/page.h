#pragma once

#include <string>
#include <string_view>

namespace fqt::trainer {

/// Text for people, in lines of at most 80 letters.
class Page {
 public:
  explicit Page(bool color) : color_(color) {}

  /// A line of its own behind an empty one.
  void heading(std::string_view text);
  void subheading(std::string_view text);
  /// A paragraph, broken between words.
  void paragraph(std::string_view text, size_t indent = 2);
  /// A fact: what it is called, and its text, broken in a column of its own.
  void fact(std::string_view name, std::string_view text, size_t indent = 4);
  /// A line as it is.
  void line(std::string_view text = "");

  const std::string& text() const { return text_; }

 private:
  void emphasized(std::string_view style, std::string_view text);
  void broken(std::string_view text, size_t first, size_t rest);

  bool color_;
  std::string text_;
};

}  // namespace fqt::trainer
