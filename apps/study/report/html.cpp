#include "study/report/html.h"

#include <fmt/format.h>

#include <cctype>

#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;

std::string valid_utf8(std::string_view text) {
  return trainer::parse_json(trainer::to_text(Json(std::string(text)))).get<std::string>();
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string cell_html(const Cell& cell, bool header) {
  const char* name = header ? "th" : "td";
  return fmt::format("<{}{}{}{}>{}</{}>", name, header ? " scope=\"row\"" : "",
                     cell.number  ? " class=\"number\""
                     : cell.prose ? " class=\"prose\""
                                  : "",
                     cell.csv.empty() ? "" : fmt::format(" data-csv=\"{}\"", escaped(cell.csv)), cell.html, name);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : trainer::printable(valid_utf8(text))) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (c == '\'')
      result += "&#39;";
    else
      result += c;
  }
  return result;
}

std::string escaped_lines(std::string_view text) {
  std::string result;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    result += escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(end + 1);
  }
  return result + escaped(text);
}

std::string script_json(const Json& json) {
  std::string text = trainer::to_text(json);
  replace_all(text, "<", "\\u003c");  // neither </script> nor <!-- can end the script
  return text;
}

std::string slug(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_';
    if (plain)
      result += c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  }
  while (result.ends_with('-')) result.pop_back();
  return result;
}

Cell text_cell(std::string_view text) { return {.html = escaped(text)}; }

Cell prose_cell(std::string_view text) { return {.html = escaped(text), .prose = true}; }

Cell html_cell(std::string html, std::string_view csv) { return {.html = std::move(html), .csv = std::string(csv)}; }

Cell number_cell(double value, int decimals) {
  return {fmt::format("{:.{}f}", value, decimals), fmt::format("{}", value), true, false};
}

Cell significant_cell(double value, int digits) {
  return {fmt::format("{:.{}g}", value, digits), fmt::format("{}", value), true, false};
}

Cell empty_cell() { return {.html = {}, .number = true}; }

void Table::head(const std::vector<Column>& columns) {
  head_ += "<tr>";
  for (const Column& column : columns)
    head_ += fmt::format("<th scope=\"{}\"{}{}>{}</th>", column.span > 1 ? "colgroup" : "col",
                         column.span > 1 ? fmt::format(" colspan=\"{}\"", column.span) : "",
                         column.number ? " class=\"number\"" : "", escaped(column.title));
  head_ += "</tr>\n";
}

void Table::row(const std::vector<Cell>& cells, size_t headers) {
  body_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) body_ += cell_html(cells[i], i < headers);
  body_ += "</tr>\n";
}

void Table::section() {
  if (!body_.empty()) body_ += "</tbody>\n<tbody>\n";
}

std::string Table::html() const {
  const std::string caption = escaped(caption_);
  return fmt::format(
      "<figure class=\"table\" data-file=\"{}\">\n"
      "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n"
      "<table>\n<caption>{}</caption>\n<thead>\n{}</thead>\n<tbody>\n{}</tbody>\n</table>\n"
      "</div>\n</figure>\n",
      escaped(file_), caption, caption, head_, body_);
}

}  // namespace fqt::study
