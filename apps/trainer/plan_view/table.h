#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fqt::trainer {

/// A cell of a table on a terminal.
struct Cell {
  std::string text;             ///< UTF-8, each character one column wide
  bool left = false;            ///< else it stands to the right
  bool spills = false;          ///< over the empty cells beside it; takes no part in the column's width
  std::string_view color = {};  ///< an SGR parameter, such as "1" or "38;5;33"; empty: none
};

/// Columns as wide as their widest cell, `gap` blanks between them.
class Table {
 public:
  explicit Table(size_t gap = 2) : gap_(gap) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  /// Of the widest line.
  size_t width() const;
  /// A line for each row, without blanks at its end.
  std::string text(bool color) const;

 private:
  std::vector<size_t> column_widths() const;
  std::string line(const std::vector<Cell>& row, const std::vector<size_t>& widths, bool color) const;
  size_t gap_;
  std::vector<std::vector<Cell>> rows_;
};

/// Characters of a UTF-8 text.
size_t text_width(std::string_view text);
/// At most `width` characters (at least 3), with … for what goes out of the middle.
std::string shorten(const std::string& text, size_t width);
/// A dotted name in at most `width` characters (at least 3): its parts, from the first on, as their first letter and
/// the number behind them, as many as it takes ("s1.b0.conv1" of "stage1.block0.conv1"); then as shorten.
std::string shorten_name(const std::string& name, size_t width);
/// Words in lines of at most `width` characters, those after the first behind `indent` blanks.
std::string wrap(std::string_view text, size_t width, size_t indent);
/// A bar of block characters, `eighths` eighths of a column long.
std::string block_bar(int eighths);
/// Five characters up to 99999: "0.202", "27.01", "221.5", "2,215".
std::string rounded(double value);

}  // namespace fqt::trainer
