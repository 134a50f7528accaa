#include "study/report/report.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

#include "study/report/assets.h"
#include "study/report/charts.h"
#include "study/report/groups.h"
#include "study/report/html.h"
#include "study/report/paper.h"
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
  std::vector<Chart> (*charts)(const Group& group);
};
constexpr ChartKind kKinds[] = {{"Learning curves", curve_charts},
                                {"Strategies", bar_charts},
                                {"Bits of each layer", bit_charts},
                                {"Size", size_charts},
                                {"Quantization error", error_charts}};

/// The figures of a group; their data go to `figures`.
std::string group_html(const Group& group, Json& figures) {
  std::string html;
  for (const ChartKind& kind : kKinds) {
    const std::vector<Chart> charts = kind.charts(group);
    if (charts.empty()) continue;
    html += fmt::format("<h3>{}</h3>\n<div class=\"figures\">\n", escaped(kind.heading));
    for (const Chart& chart : charts) {
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
    if (!specs.contains(name)) specs[name] = Json::parse(asset(name + ".vg.json"));
  }
  return specs;
}

}  // namespace

std::string report_html(std::span<const Outcome> runs) {
  const Grouping grouping = group_runs(runs);
  Json figures = Json::array();
  Sections sections;
  sections.add("Summary", summary_html(runs, grouping));
  for (const Group& group : grouping.groups) sections.add(group.title(), group_html(group, figures));
  if (const std::string tables = paper_tables(grouping.groups); !tables.empty())
    sections.add("The study’s tables", tables);
  sections.add("Every run", runs_html(runs));

  const trainer::BuildInfo& build = trainer::build_info();
  const std::string lead = fmt::format("<p>{}.</p>", escaped(counts_in_words(runs)));
  const std::string program = escaped(fmt::format("fqt {} (commit {})", build.version, build.commit));
  const std::string contents = sections.contents(), specs = script_json(specs_of(figures)), data = script_json(figures),
                    notices = escaped_lines(asset("notices.txt"));
  return filled(asset("page.html"), {{"title", "Runs of fully quantized training"},
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
  const Grouping grouping = group_runs(runs);
  Json statuses = Json::object(), groups = Json::array();
  for (const Outcome& run : runs) {
    Json& count = statuses[std::string(name_of(run.status))];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  for (const Group& group : grouping.groups) {
    Json plans = Json::array(), comparisons = Json::array();
    for (const PlanRuns& plan : group.plans) {
      const std::vector<double> figures = plan.figures();
      const bool any = !figures.empty();
      plans.push_back({{"plan", plan.plan},
                       {"runs", plan.runs.size()},
                       {"finished", figures.size()},
                       {"mean", any ? Json(mean(figures)) : Json()},
                       {"deviation", figures.size() > 1 ? Json(sample_deviation(figures)) : Json()}});
    }
    for (const SignComparison& comparison : group.comparisons()) {
      const Comparison& result = comparison.result;
      Json interval;
      if (result.pairs > 1) interval = {result.interval.low, result.interval.high};
      comparisons.push_back({{"rising", comparison.rising},
                             {"falling", comparison.falling},
                             {"pairs", result.pairs},
                             {"difference", result.pairs > 0 ? Json(result.difference) : Json()},
                             {"interval", interval},
                             {"verdict", name_of(result.verdict)}});
    }
    groups.push_back({{"model", group.model},
                      {"data", group.data},
                      {"settings", group.settings},
                      {"steps", group.any().steps},
                      {"measure", group.measure.name},
                      {"plans", plans},
                      {"comparisons", comparisons}});
  }
  return {{"runs", runs.size()}, {"status", statuses}, {"groups", groups}};
}

}  // namespace fqt::study
