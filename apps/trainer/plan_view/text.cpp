#include "trainer/plan_view/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>

#include "trainer/plan_view/table.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

using quant::kProducts;
using quant::ProductKind;

constexpr std::string_view kBold = "1", kFaint = "2";
/// From the fewest bits shown to the most.
constexpr std::array<std::string_view, 5> kRamp{"38;5;33", "38;5;37", "38;5;71", "38;5;178", "38;5;166"};
constexpr size_t kRoomForNotes = 64;                          ///< columns
constexpr size_t kFull = std::numeric_limits<size_t>::max();  ///< names are not shortened

/// One way to lay out a table, tried from the roomiest to the tightest.
struct Layout {
  int eighths_per_bit;   ///< of the bars; 0: none
  size_t least_name;     ///< names may be shortened to this
  size_t gap = 2;        ///< between columns
  bool metrics = true;   ///< columns of A, F and D
  bool numbers = false;  ///< plans stand as [1], [2] above their columns
};

constexpr Layout kSingle[] = {{8, kFull}, {4, kFull}, {4, 20}, {0, 12}, {4, 12, 1, false}, {0, 8, 1, false}};
constexpr Layout kSeveral[] = {{4, kFull},           {0, kFull},        {0, kFull, 1},
                               {0, kFull, 1, false}, {0, 16, 1, false}, {0, 8, 1, false, true}};

struct MetricColumn {
  std::string title;
  std::string_view metric;
  bool depth_layer;
};

/// A word for what a product computes, as narrow as can be read.
std::string short_kind(const std::string& kind) {
  if (kind == "convolution") return "conv";
  if (kind == "depthwise") return "dw conv";
  return kind;
}

class Renderer {
 public:
  Renderer(const PlanView& view, const TextStyle& style) : view_(view), style_(style) {
    for (const PlannedModel& plan : view.plans) {
      any_differs_.push_back(false);
      for (size_t site = 0; site < view.sites.size(); ++site) {
        if (differs(plan, site)) any_differs_.back() = true;
        if (const std::optional<int> bits = plan.site_bits(site)) {
          least_ = std::min(least_, *bits);
          most_ = std::max(most_, *bits);
        }
      }
    }
  }

  std::string text() const {
    std::string text = wrap(
        fmt::format("{}{}, recipe {}, batch {}, seed {}", view_.model,
                    single() ? ", plan " + printable(view_.plans[0].text) : "", view_.recipe, view_.batch, view_.seed),
        style_.width, 2);
    text += "\n\n";
    if (single())
      text += fitted(0, 1, kSingle) + "\n" + sizes_of_one();
    else
      text += several(0, view_.plans.size());
    return text + "\n" + notes();
  }

 private:
  bool single() const { return view_.plans.size() == 1; }

  Cell bits_cell(const std::optional<int>& bits, std::string text) const {
    if (!bits) return {std::move(text), false, false, kFaint};
    const int range = most_ - least_;
    const size_t step = range == 0 ? 2 : static_cast<size_t>((*bits - least_) * 4 / range);
    return {std::move(text), false, false, kRamp[step]};
  }

  static std::string bits_text(const std::optional<int>& bits) { return bits ? fmt::format("{}", *bits) : "fp32"; }

  /// Whether a plan's products run on other widths than the planned bits.
  bool differs(const PlannedModel& plan, size_t site) const {
    const int bits = plan.site_bits(site).value_or(32);
    return view_.running_bits(plan, site) != std::pair(bits, bits);
  }

  static bool in_layers(const PlannedModel& plan) { return plan.plan && plan.plan->depth_layer; }

  /// The columns of metrics. Plans side by side may count depth in different ways.
  std::vector<MetricColumn> metric_columns() const {
    const auto layers = static_cast<size_t>(std::count_if(view_.plans.begin(), view_.plans.end(), in_layers));
    if (layers == 0 || layers == view_.plans.size())
      return {{"A", "A", false}, {"F", "F", false}, {"D", "D", layers > 0}};
    return {{"A", "A", false}, {"F", "F", false}, {"stage", "D", false}, {"layer", "D", true}};
  }

  std::vector<Cell> site_cells(size_t site, const Layout& layout, size_t name_width) const {
    const quant::SiteShape& shape = view_.sites[site];
    std::vector<Cell> row{{shorten_name(shape.name, name_width), true}};
    if (single()) row.push_back({short_kind(shape.kind), true});
    if (!layout.metrics) return row;
    for (const MetricColumn& column : metric_columns()) {
      const quant::Metric& metric = quant::find_metric(column.metric);
      row.push_back(
          {fmt::format("{:.6g}", metric.value({shape, ProductKind::forward, view_.batch, column.depth_layer}))});
    }
    return row;
  }

  static std::vector<Cell> titles(std::vector<std::string> names) {
    std::vector<Cell> row;
    for (std::string& name : names) row.push_back({std::move(name), row.empty(), false, kBold});
    return row;
  }

  Table table_of_one(const Layout& layout, size_t name_width) const {
    const PlannedModel& plan = view_.plans.front();
    const bool products = any_differs_.front();
    Table table(layout.gap);
    std::vector<Cell> over = titles({"", ""}), head = titles({"site", "kind"});
    head[1].left = true;
    const auto add = [&](const char* upper, const std::string& lower) {
      over.push_back({upper, false, false, kBold});
      head.push_back({lower, false, false, kBold});
    };
    if (layout.metrics)
      for (const MetricColumn& column : metric_columns()) add("", column.title);
    add("", "bits");
    if (products) {
      add("", "forward");
      add("grad", "lhs");
      add("grad", "rhs");
      table.add(over);
    }
    table.add(head);
    for (size_t site = 0; site < view_.sites.size(); ++site) {
      const std::optional<int> bits = plan.site_bits(site);
      std::vector<Cell> row = site_cells(site, layout, name_width);
      row.push_back(bits_cell(bits, bits_text(bits)));
      if (products) {
        const quant::Precision& precision = plan.precision.at(view_.sites[site].name);
        for (const ProductKind kind : kProducts) {
          const auto& [lhs, rhs] = precision.products[kind];
          const bool runs = !precision.is_float() && view_.sites[site].computes(kind);
          row.push_back({runs ? fmt::format("{}x{}", lhs.bits, rhs.bits) : "-"});
        }
      }
      row.push_back(bits_cell(bits, block_bar(bits.value_or(0) * layout.eighths_per_bit)));
      row.back().left = true;
      table.add(std::move(row));
    }
    return table;
  }

  /// Above a plan's column: its text in pieces, "A:C-" over "4-8", or its number.
  std::vector<std::string> title_pieces(size_t plan, const Layout& layout) const {
    if (layout.numbers) return {fmt::format("[{}]", plan + 1)};
    const PlannedModel& planned = view_.plans[plan];
    if (!planned.plan) return {printable(std::filesystem::path(planned.text).filename().string())};
    std::vector<std::string> pieces;
    std::string rest = planned.text;
    for (size_t comma; (comma = rest.rfind(',')) != std::string::npos; rest.resize(comma))
      pieces.insert(pieces.begin(), rest.substr(comma + 1));
    const size_t colon = rest.rfind(':');
    if (colon != std::string::npos) pieces.insert(pieces.begin(), rest.substr(colon + 1));
    pieces.insert(pieces.begin(), rest.substr(0, colon));
    return pieces;
  }

  Table table_of_several(size_t begin, size_t end, const Layout& layout, size_t name_width) const {
    Table table(layout.gap);
    std::vector<std::vector<std::string>> pieces;
    size_t lines = 1;
    for (size_t plan = begin; plan < end; ++plan) {
      pieces.push_back(title_pieces(plan, layout));
      lines = std::max(lines, pieces.back().size());
    }
    std::vector<std::string> left{"site"};
    if (layout.metrics)
      for (const MetricColumn& column : metric_columns()) left.push_back(column.title);
    for (size_t line = 0; line < lines; ++line) {
      std::vector<std::string> names = line + 1 == lines ? left : std::vector<std::string>(left.size());
      for (const std::vector<std::string>& title : pieces) names.push_back(line < title.size() ? title[line] : "");
      table.add(titles(names));
    }
    for (size_t site = 0; site < view_.sites.size(); ++site) {
      std::vector<Cell> row = site_cells(site, layout, name_width);
      for (size_t plan = begin; plan < end; ++plan) {
        const PlannedModel& planned = view_.plans[plan];
        const bool marked = any_differs_[plan];
        const std::optional<int> bits = planned.site_bits(site);
        std::string bar = block_bar(bits.value_or(0) * layout.eighths_per_bit);
        const size_t longest = text_width(block_bar(most_ * layout.eighths_per_bit));
        bar += std::string(layout.eighths_per_bit > 0 ? longest - text_width(bar) + 1 : 0, ' ');
        const std::string number = bits_text(bits) + (differs(planned, site) ? "*" : marked ? " " : "");
        row.push_back(bits_cell(bits, fmt::format("{}{:>{}}", bar, number, layout.eighths_per_bit > 0 ? 4 : 0)));
      }
      table.add(std::move(row));
    }
    table.add({});
    add_sizes(table, begin, end, left.size());
    return table;
  }

  void add_sizes(Table& table, size_t begin, size_t end, size_t columns_before) const {
    const auto add = [&](const char* label, auto value) {
      std::vector<Cell> row(columns_before);
      row[0] = {label, true, true};
      for (size_t plan = begin; plan < end; ++plan) row.push_back({value(view_.plans[plan].size)});
      table.add(std::move(row));
    };
    const auto add_bits = [&](const char* megabits, const char* megabytes, double quant::PlanSize::*bits) {
      add(megabits, [&](const quant::PlanSize& size) { return rounded(quant::megabits(size.*bits)); });
      add(megabytes, [&](const quant::PlanSize& size) { return rounded(quant::megabytes(size.*bits)); });
    };
    add_bits("weights, Mbit", "  MB", &quant::PlanSize::weights);
    add_bits("activations, Mbit", "  MB", &quant::PlanSize::activations);
    add_bits("gradients, Mbit", "  MB", &quant::PlanSize::gradients);
    add("multiplies, 10^9", [](const quant::PlanSize& size) { return rounded(size.multiplies * 1e-9); });
    add("BitOPs, 10^9", [](const quant::PlanSize& size) { return rounded(size.bit_operations * 1e-9); });
    add("mean bits", [](const quant::PlanSize& size) { return mean(size.mean_bits); });
    add("  weighted", [](const quant::PlanSize& size) { return mean(size.weighted_bits); });
  }

  static std::string mean(double bits) { return bits > 0 ? fmt::format("{:.2f}", bits) : "-"; }

  std::string sizes_of_one() const {
    const quant::PlanSize& size = view_.plans.front().size;
    Table table;
    table.add(titles({"", "Mbit", "MB"}));
    const auto add = [&](const char* label, double bits, const char* note) {
      table.add({{label, true},
                 {rounded(quant::megabits(bits))},
                 {rounded(quant::megabytes(bits))},
                 {style_.width >= kRoomForNotes ? note : "", true, true, kFaint}});
    };
    add("weights", size.weights, "as the forward product reads them");
    add("activations", size.activations, "kept for the backward pass, a batch");
    add("gradients", size.gradients, "dY as grad_lhs reads it, a batch");
    std::string text = table.text(style_.color) + "\n";
    text += wrap(fmt::format("a step      {} G multiply-accumulates, {} G BitOPs", rounded(size.multiplies * 1e-9),
                             rounded(size.bit_operations * 1e-9)),
                 style_.width, 12) +
            "\n";
    text += wrap(fmt::format("mean bits   {}; weighted by multiply-accumulates {}", mean(size.mean_bits),
                             mean(size.weighted_bits)),
                 style_.width, 12) +
            "\n";
    return text;
  }

  Table table(size_t begin, size_t end, const Layout& layout, size_t name_width) const {
    return single() ? table_of_one(layout, name_width) : table_of_several(begin, end, layout, name_width);
  }

  /// The first layout that fits, with names shortened as far as it takes; empty where none does.
  std::string fitted(size_t begin, size_t end, std::span<const Layout> layouts) const {
    size_t longest = 0;
    for (const quant::SiteShape& site : view_.sites) longest = std::max(longest, site.name.size());
    for (const Layout& layout : layouts) {
      const Table full = table(begin, end, layout, longest);
      if (full.width() <= style_.width) return full.text(style_.color);
      const size_t excess = full.width() - style_.width;
      if (layout.least_name == kFull || longest < excess + layout.least_name) continue;
      const Table shortened = table(begin, end, layout, longest - excess);
      if (shortened.width() <= style_.width) return shortened.text(style_.color);
    }
    return "";
  }

  /// In as few tables, one below the other, as fit.
  std::string several(size_t begin, size_t end) const {
    const std::string whole = fitted(begin, end, kSeveral);
    if (!whole.empty()) return whole;
    if (end - begin == 1) return table_of_several(begin, end, std::end(kSeveral)[-1], 8).text(style_.color);
    const size_t middle = begin + (end - begin + 1) / 2;
    return several(begin, middle) + "\n" + several(middle, end);
  }

  std::string notes() const { return single() ? notes_of_one() : notes_of_several(); }

  std::string notes_of_one() const {
    const PlannedModel& plan = view_.plans.front();
    std::string text = wrap(fmt::format("{}: {}", printable(plan.text), meaning(plan)), style_.width, 2) + "\n";
    std::string columns;
    for (const char* name : {"A", "F", "D"})
      columns += fmt::format("{}{}: {}", columns.empty() ? "" : "; ", name,
                             quant::describe(quant::find_metric(name), in_layers(plan)));
    text += wrap(columns, style_.width, 2) + "\n";
    if (any_differs_.front())
      text += wrap("forward: X x W; grad lhs: dY x W; grad rhs: X x dY", style_.width, 2) + "\n";
    return text + schedule_note();
  }

  std::string notes_of_several() const {
    std::string text;
    size_t longest = 0;
    for (const PlannedModel& plan : view_.plans) longest = std::max(longest, plan.text.size());
    for (size_t i = 0; i < view_.plans.size(); ++i) {
      const PlannedModel& plan = view_.plans[i];
      const std::string title =
          fmt::format("[{}] {:<{}}  ", i + 1, printable(plan.text), std::min<size_t>(longest, 24));
      text += wrap(title + meaning(plan), style_.width, 4) + "\n";
    }
    if (std::find(any_differs_.begin(), any_differs_.end(), true) != any_differs_.end())
      text += wrap("* operands of other widths, too: look at the plan alone", style_.width, 2) + "\n";
    return text + schedule_note();
  }

  std::string schedule_note() const {
    if (!view_.follows_schedule()) return "";
    return wrap(fmt::format("bits follow the schedule {}; these are the planned ones", view_.schedule), style_.width,
                2) +
           "\n";
  }

  const PlanView& view_;
  TextStyle style_;
  std::vector<bool> any_differs_;  ///< of a plan: whether it does at any site
  int least_ = 99, most_ = 0;
};

}  // namespace

std::string plan_text(const PlanView& view, const TextStyle& style) { return Renderer(view, style).text(); }

}  // namespace fqt::trainer
