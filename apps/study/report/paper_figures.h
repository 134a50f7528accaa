#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fqt::study {

/// What a table of the paper gives.
enum class PaperValue {
  figure,           ///< accuracy in percent, or perplexity
  figure_variance,  ///< accuracy, its variance over runs in brackets
  size,             ///< of a unit that is not known
};

/// A column: a strategy, of the metric that is named, or of the row's where none is.
struct PaperColumn {
  std::string_view above, title;  ///< "accumulation", "C+"
  std::string_view strategy, metric;
};

constexpr size_t kPaperColumns = 7;

struct PaperRow {
  std::string_view label;
  std::string_view model;           ///< ours; * stands for any ending
  std::string_view data;            ///< ours, * as above; empty: that of the paper is not known to us
  std::string_view metric;          ///< of columns that name none
  int low, high, uniform;           ///< bits of C+, C- and R, and of U
  double values[kPaperColumns];     ///< 0: the paper has none
  double variances[kPaperColumns];  ///< likewise
};

struct PaperTable {
  std::string_view title, file;
  PaperValue value;
  std::span<const PaperColumn> columns;
  std::span<const PaperRow> rows;
};

/// What is known of the tables of Shen, Lai and Zhang 2024. `F:C+` and `D:C-` of a convolutional network are the same
/// plan, there, too.
std::span<const PaperTable> paper_figures();

}  // namespace fqt::study
