#include "study/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "study/report/html.h"

namespace fqt::study {

using trainer::Json;

std::string Chart::html() const {
  std::string chosen;
  for (const Choice& choice : choices) {
    chosen += fmt::format("<label>{} <select data-signal=\"{}\">", escaped(choice.label), escaped(choice.signal));
    for (const std::string& value : choice.values) chosen += fmt::format("<option>{}</option>", escaped(value));
    chosen += "</select></label>\n";
  }
  if (!chosen.empty()) chosen = "<div class=\"choices\">\n" + chosen + "</div>\n";
  return fmt::format(
      "<figure class=\"chart\" id=\"{}\">\n<h4>{}</h4>\n{}"
      "<div class=\"plot\" role=\"img\" aria-label=\"{}: {}\"></div>\n"
      "<figcaption>{} {}</figcaption>\n</figure>\n",
      escaped(id), escaped(title), chosen, escaped(title), escaped(summary), escaped(summary), escaped(note));
}

Json Chart::json() const {
  Json values = signals;
  for (const Choice& choice : choices) values[choice.signal] = choice.values.front();
  return {{"id", id}, {"spec", spec}, {"file", id}, {"csv", csv}, {"data", data}, {"signals", values}};
}

void TextColumn::add(const std::string& text) {
  const auto found = std::ranges::find(distinct_, text);
  at_.push_back(static_cast<size_t>(found - distinct_.begin()));
  if (found == distinct_.end()) distinct_.push_back(text);
}

Json TextColumn::json() const { return {{"of", distinct_}, {"at", at_}}; }

Json grid_data(const Json& axes, const std::string& name, Json values) {
  return {{"axes", axes}, {"name", name}, {"values", std::move(values)}};
}

Json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr);
}

}  // namespace fqt::study
