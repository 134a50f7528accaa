#include "trainer/plan_view/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "trainer/text.h"

namespace fqt::trainer {
namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) >> 6) != 2; }

/// Of the first `count` characters.
size_t bytes_of(std::string_view text, size_t count) {
  size_t bytes = 0;
  while (bytes < text.size() && (count > 0 || !begins_character(text[bytes])))
    if (begins_character(text[bytes++])) --count;
  return bytes;
}

}  // namespace
std::string Table::line(const std::vector<Cell>& row, const std::vector<size_t>& widths, bool color) const {
  std::string text;
  size_t at = 0, column_start = 0;  // in columns of the terminal
  for (size_t column = 0; column < row.size(); ++column) {
    const Cell& cell = row[column];
    const size_t width = text_width(cell.text);
    const size_t blanks = cell.left || cell.spills || width > widths[column] ? 0 : widths[column] - width;
    if (width > 0) {
      text.append(std::max(column_start + blanks, at) - at, ' ');
      at = std::max(column_start + blanks, at) + width;
      text += color && !cell.color.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", cell.color, cell.text) : cell.text;
    }
    column_start += widths[column] + gap_;
  }
  text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

std::vector<size_t> Table::column_widths() const {
  std::vector<size_t> widths;
  for (const std::vector<Cell>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      if (!row[i].spills) widths[i] = std::max(widths[i], text_width(row[i].text));
  }
  return widths;
}

size_t Table::width() const {
  const std::vector<size_t> widths = column_widths();
  size_t widest = 0;
  for (const std::vector<Cell>& row : rows_) widest = std::max(widest, text_width(line(row, widths, false)));
  return widest;
}

std::string Table::text(bool color) const {
  const std::vector<size_t> widths = column_widths();
  std::string text;
  for (const std::vector<Cell>& row : rows_) text += line(row, widths, color) + "\n";
  return text;
}

size_t text_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shorten(const std::string& text, size_t width) {
  const size_t whole = text_width(text);
  if (whole <= width) return text;
  const size_t tail = (width - 1) / 2, head = width - 1 - tail;
  return text.substr(0, bytes_of(text, head)) + "…" + text.substr(bytes_of(text, whole - tail));
}

std::string shorten_name(const std::string& name, size_t width) {
  std::string done, rest = name;
  while (text_width(done + rest) > width && !rest.empty()) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string part = rest.substr(0, dot);
    const size_t number = part.find_last_not_of("0123456789") + 1;
    const size_t letter = bytes_of(part, 1);
    done += number > letter ? part.substr(0, letter) + part.substr(number) : part;
    if (dot < rest.size()) done += '.';
    rest.erase(0, dot + 1);
  }
  return shorten(done + rest, width);
}

std::string wrap(std::string_view text, size_t width, size_t indent) {
  std::string lines;
  size_t at = 0;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (at > indent && at + 1 + text_width(word) > width) {
      lines += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (!lines.empty()) {
      lines += ' ';
      ++at;
    }
    lines += word;
    at += text_width(word);
  }
  return lines;
}

std::string block_bar(int eighths) {
  constexpr std::string_view kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + std::string(kParts[eighths % 8]);
}

std::string rounded(double value) {
  if (value >= 999.95) return grouped(std::llround(value));
  return fmt::format("{:.{}f}", value, value >= 99.995 ? 1 : value >= 9.9995 ? 2 : 3);
}

}  // namespace fqt::trainer
