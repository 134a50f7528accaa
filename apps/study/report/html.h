#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trainer/json.h"

namespace fqt::study {

/// Text that is safe in HTML, in attributes, too. Bytes that are not UTF-8 are replaced, control characters written
/// out.
std::string escaped(std::string_view text);
/// The same, but ends of lines stay.
std::string escaped_lines(std::string_view text);

/// JSON that is safe within <script>: no '<' is left in it.
std::string script_json(const trainer::Json& json);

/// Letters, digits, '-' and '.' alone, for names of files and anchors: "resnet8 on shapes" is "resnet8-on-shapes".
std::string slug(std::string_view text);

/// A field of a table: how it looks, and how it stands in CSV where that is more.
struct Cell {
  std::string html, csv = {};
  bool number = false, prose = false;
};

Cell text_cell(std::string_view text);
/// Long enough to be broken into lines.
Cell prose_cell(std::string_view text);
/// HTML as it is; `csv` stands for it in CSV.
Cell html_cell(std::string html, std::string_view csv);
/// With `decimals` behind the point, in CSV with all digits.
Cell number_cell(double value, int decimals);
/// With so many significant digits.
Cell significant_cell(double value, int digits);
Cell empty_cell();

/// A table with its caption, in a box of its own that scrolls, and that page.js lets be saved under `file`.csv.
class Table {
 public:
  struct Column {
    std::string title;
    bool number = false;
    int span = 1;
  };

  Table(std::string caption, std::string file) : caption_(std::move(caption)), file_(std::move(file)) {}

  /// A row of the head; titles over several columns come first.
  void head(const std::vector<Column>& columns);
  /// The first `headers` cells name the row.
  void row(const std::vector<Cell>& cells, size_t headers = 1);
  /// Later rows belong together.
  void section();
  std::string html() const;

 private:
  std::string caption_, file_, head_, body_;
};

}  // namespace fqt::study
