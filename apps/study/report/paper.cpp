#include "study/report/paper.h"

#include <fmt/format.h>

#include <algorithm>

#include "quant/plan/mapping.h"
#include "quant/plan/metric.h"
#include "study/report/html.h"
#include "study/report/paper_figures.h"

namespace fqt::study {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

bool same_data(const PaperRow& row, const Setup& setup) { return row.data.empty() || matches(row.data, setup.data); }

/// Whether a setup's figures stand below a row: that of its model and data, or else the first of its model.
bool belongs(const Setup& setup, const PaperRow& row, const PaperTable& table) {
  if (!matches(row.model, setup.model)) return false;
  if (same_data(row, setup)) return true;
  const auto of_model = [&](const PaperRow& other) { return matches(other.model, setup.model); };
  const auto exact = [&](const PaperRow& other) { return of_model(other) && same_data(other, setup); };
  return std::ranges::none_of(table.rows, exact) && &row == &*std::ranges::find_if(table.rows, of_model);
}

/// Whether a plan is the one of a column, with no option that the paper does not have.
bool is_plan(const quant::Plan& plan, const PaperRow& row, const PaperColumn& column) {
  const bool plain = plan.mapping == &quant::mappings().front() && !plan.per_product && !plan.depth_layer &&
                     plan.lhs_offset == 0 && plan.rhs_offset == 0 && plan.grad_offset == 0;
  if (!plain || plan.strategy->name != column.strategy) return false;
  if (!plan.strategy->takes_range) return plan.high == row.uniform;
  if (plan.low != row.low || plan.high != row.high) return false;
  const std::string_view metric = column.metric.empty() ? row.metric : column.metric;
  return !plan.strategy->takes_metric || plan.metric->name == metric;
}

const PlanRuns* find_plan(const Setup& setup, const PaperRow& row, const PaperColumn& column) {
  const auto plan = std::ranges::find_if(
      setup.plans, [&](const PlanRuns& runs) { return runs.parsed && is_plan(*runs.parsed, row, column); });
  return plan == setup.plans.end() ? nullptr : &*plan;
}

Cell missing() { return {"–", " ", true, false}; }

Cell number(std::string text, double value) { return {std::move(text), fmt::format("{}", value), true, false}; }

Cell theirs(const PaperTable& table, const PaperRow& row, size_t column, size_t uniform) {
  const double value = row.values[column], variance = row.variances[column];
  if (value == 0) return missing();
  if (table.value == PaperValue::size)
    return number(fmt::format("{:.4g} ({:.2f})", value, value / row.values[uniform]), value);
  return number(fmt::format("{:.2f}{}", value, variance > 0 ? fmt::format(" ({:.2f})", variance) : ""), value);
}

Cell ours(const PaperTable& table, const PlanRuns* plan, const PlanRuns* uniform) {
  if (!plan) return missing();
  if (table.value == PaperValue::size) {
    const double size = plan->runs.front()->size.weights_mb;
    const std::string share =
        uniform ? fmt::format(" ({:.2f})", size / uniform->runs.front()->size.weights_mb) : std::string();
    return number(fmt::format("{:.3g}{}", size, share), size);
  }
  const std::vector<double> figures = plan->figures();
  if (figures.empty()) return missing();
  const double middle = mean(figures), deviation = sample_deviation(figures);
  if (figures.size() == 1) return number_cell(middle, 2);
  return number(table.value == PaperValue::figure ? fmt::format("{:.2f} ± {:.2f}", middle, deviation)
                                                  : fmt::format("{:.2f} ({:.2f})", middle, deviation * deviation),
                middle);
}

/// "1", "2 to 5"
std::string seeds_of(const Setup& setup) {
  size_t least = SIZE_MAX, most = 0;
  for (const PlanRuns& plan : setup.plans) {
    least = std::min(least, plan.figures().size());
    most = std::max(most, plan.figures().size());
  }
  return least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most);
}

std::string source_of(const PaperTable& table, const PaperRow& row, const Setup& setup) {
  if (table.value == PaperValue::size) return fmt::format("fqt: weights of {}, MB", setup.model);
  std::string text = fmt::format("fqt: {}, {}, seeds: {}", setup.title(), setup.length(), seeds_of(setup));
  if (setup.any().recipe != "paper") text += ", recipe " + setup.any().recipe;
  if (!same_data(row, setup)) text += "; other data than the paper’s";
  return text;
}

void head(Table& html, const PaperTable& table) {
  std::vector<Table::Column> above{{"", false, 2}}, titles{{"model"}, {"whose"}};
  for (const PaperColumn& column : table.columns) {
    if (column.above.empty() || above.back().title != column.above)
      above.push_back({std::string(column.above), false, 1});
    else
      ++above.back().span;
    titles.push_back({std::string(column.title), true});
  }
  if (std::ranges::any_of(table.columns, [](const PaperColumn& column) { return !column.above.empty(); }))
    html.head(above);
  html.head(titles);
}

size_t uniform_column(const PaperTable& table) {
  return static_cast<size_t>(std::ranges::find(table.columns, "U", &PaperColumn::strategy) - table.columns.begin());
}

/// The table, or nothing where no setup has a row in it.
std::string table_html(const PaperTable& table, std::span<const Setup> setups) {
  Table html{std::string(table.title), std::string(table.file)};
  head(html, table);
  const size_t uniform = uniform_column(table);
  bool any = false;
  for (const PaperRow& row : table.rows) {
    html.section();
    std::vector<Cell> cells{text_cell(row.label), text_cell("paper")};
    for (size_t column = 0; column < table.columns.size(); ++column)
      cells.push_back(theirs(table, row, column, uniform));
    html.row(cells, 2);
    for (const Setup& setup : setups) {
      if (!belongs(setup, row, table)) continue;
      std::vector<Cell> own{text_cell(""), prose_cell(source_of(table, row, setup))};
      bool runs = false;
      for (const PaperColumn& column : table.columns) {
        const PlanRuns* plan = find_plan(setup, row, column);
        own.push_back(ours(table, plan, find_plan(setup, row, table.columns[uniform])));
        runs = runs || plan;
      }
      if (!runs) continue;
      html.row(own, 2);
      any = true;
    }
  }
  return any ? html.html() : "";
}

}  // namespace

std::string paper_tables(std::span<const Setup> setups) {
  std::string html;
  for (const PaperTable& table : paper_figures()) html += table_html(table, setups);
  if (html.empty()) return "";
  return "<p>The tables of Shen, Lai and Zhang, “Systematic Analysis of Low-Precision Training in Deep Neural "
         "Networks: "
         "Factors Influencing Matrix Computations” (Applied Sciences 2024, 14, 10025), and below each of its rows "
         "ours. "
         "Ours are means over seeds ± one standard deviation, of runs of the length that is given; the paper’s runs "
         "are "
         "longer. (On CIFAR the code that its method comes from trains for 64,000 steps of 128 images, on ImageNet for "
         "120 epochs.) What separates strategies can be compared, the level of the figures cannot. The unit of the "
         "paper’s sizes is not known; hold their multiples of U’s against ours.</p>\n" +
         html;
}

}  // namespace fqt::study
