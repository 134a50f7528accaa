#include "study/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "study/report/assets.h"
#include "study/report/charts.h"
#include "study/report/html.h"
#include "study/report/paper.h"
#include "study/report/setups.h"
#include "study/report/summary.h"
#include "trainer/host.h"

namespace fqt::study {
namespace {

using trainer::Json;

/// The parts of a page, with their headings and the list of contents.
class Sections {
 public:
  void add(const std::string& title, const std::string& html) {
    const std::string id = fmt::format("s{}-{}", ++count_, slug(title));
    contents_ += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", escaped(id), escaped(title));
    html_ += fmt::format("<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n{2}</section>\n", escaped(id),
                         escaped(title), html);
  }
  const std::string& html() const { return html_; }
  std::string contents() const { return "<ul>\n" + contents_ + "</ul>"; }

 private:
  std::string html_, contents_;
  int count_ = 0;
};

/// The text with each {{name}} replaced; what is put in is not searched again.
std::string filled(std::string_view text, const std::map<std::string_view, std::string_view>& values) {
  std::string result;
  while (true) {
    const size_t open = text.find("{{"), close = text.find("}}", open);
    result += text.substr(0, open);
    if (open == std::string_view::npos) return result;
    result += values.at(text.substr(open + 2, close - open - 2));
    text.remove_prefix(close + 2);
  }
}

struct ChartKind {
  std::string_view heading;
  std::vector<Chart> (*charts)(const Setup& setup);
};
constexpr ChartKind kChartKinds[] = {{"Learning curves", curve_charts},
                                     {"Strategies", bar_charts},
                                     {"Bits of each layer", bit_charts},
                                     {"Size", size_charts},
                                     {"Quantization error", error_charts}};

/// The figures of a setup; their data go to `figures`.
std::string setup_html(const Setup& setup, Json& figures) {
  std::string html;
  for (const ChartKind& kind : kChartKinds) {
    std::vector<Chart> charts = kind.charts(setup);
    if (charts.empty()) continue;
    html += fmt::format("<h3>{}</h3>\n<div class=\"figures\">\n", escaped(kind.heading));
    for (Chart& chart : charts) {
      // Titles that differ may look alike in an id.
      const auto taken = [&](const Json& figure) { return figure["id"] == chart.id; };
      while (std::ranges::any_of(figures, taken)) chart.id += "-2";
      html += chart.html();
      figures.push_back(chart.json());
    }
    html += "</div>\n";
  }
  return html;
}

/// The specifications that `figures` are drawn by.
Json specs_of(const Json& figures) {
  Json specs = Json::object();
  for (const Json& figure : figures) {
    const auto name = figure["spec"].get<std::string>();
    if (!specs.contains(name)) specs[name] = trainer::parse_json(asset(name + ".vg.json"));
  }
  return specs;
}

}  // namespace

std::string report_html(std::span<const Outcome> runs) {
  const SortedRuns sorted = sort_runs(runs);
  Json figures = Json::array();
  Sections sections;
  sections.add("Summary", summary_html(runs, sorted));
  for (const Setup& setup : sorted.setups) sections.add(setup.title(), setup_html(setup, figures));
  if (const std::string tables = paper_tables(sorted.setups); !tables.empty())
    sections.add("The study’s tables", tables);
  sections.add("Every run", runs_html(runs));

  const trainer::BuildInfo& build = trainer::build_info();
  const std::string title =
      sorted.setups.size() == 1 ? escaped(sorted.setups.front().title()) : "Runs of fully quantized training";
  const std::string lead = fmt::format("<p>{}.</p>", escaped(counts_in_words(runs)));
  const std::string program = escaped(fmt::format("fqt {} (commit {})", build.version, build.commit));
  const std::string contents = sections.contents(), specs = script_json(specs_of(figures)), data = script_json(figures),
                    notices = escaped_lines(asset("notices.txt"));
  return filled(asset("page.html"), {{"title", title},
                                     {"style", asset("style.css")},
                                     {"lead", lead},
                                     {"contents", contents},
                                     {"sections", sections.html()},
                                     {"program", program},
                                     {"notices", notices},
                                     {"specs", specs},
                                     {"figures", data},
                                     {"vega", asset("vega.js")},
                                     {"script", asset("page.js")}});
}

Json report_json(std::span<const Outcome> runs) {
  Json statuses = Json::object();
  for (const Outcome& run : runs) {
    Json& count = statuses[std::string(name_of(run.status))];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  Json json{{"runs", runs.size()}, {"status", statuses}};
  const std::vector<Group> groups = groups_of({runs.begin(), runs.end()});
  json.update(summary_json(groups, comparisons_of(groups)));
  return json;
}

}  // namespace fqt::study
