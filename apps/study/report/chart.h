#pragma once

#include <string>
#include <vector>

#include "trainer/json.h"

namespace fqt::study {

/// A figure of the page, which page.js draws by a Vega specification.
struct Chart {
  std::string id;
  std::string title;
  std::string summary;                              ///< what it shows, in words: for those who do not see it
  std::string note;                                 ///< how it is computed
  std::string spec;                                 ///< "curves": curves.vg.json
  std::string csv;                                  ///< the data set that is saved as CSV
  trainer::Json data = trainer::Json::object();     ///< name -> data set: columns, or a grid (grid_data)
  trainer::Json signals = trainer::Json::object();  ///< name -> value
  struct Choice {
    std::string label, signal;
    std::vector<std::string> values;
  };
  std::vector<Choice> choices;  ///< of signals, by the reader

  std::string html() const;
  /// What page.js draws it from.
  trainer::Json json() const;
};

/// A column of few distinct texts, each written once: {"of": [...], "at": [0, 0, 1, ...]}.
class TextColumn {
 public:
  void add(const std::string& text);
  trainer::Json json() const;

 private:
  std::vector<std::string> distinct_;
  std::vector<size_t> at_;
};

/// A value for each combination of the texts or numbers of its axes, the last running fastest.
trainer::Json grid_data(const trainer::Json& axes, const std::string& name, trainer::Json values);

/// To five significant digits, as figures hold numbers; null where it is none.
trainer::Json rounded(double value);

}  // namespace fqt::study
