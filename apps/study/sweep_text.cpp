#include <fmt/format.h>

#include <algorithm>

#include "study/results.h"
#include "study/summary.h"
#include "study/sweep.h"
#include "trainer/plan_view/table.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Cell;
using trainer::Json;
using trainer::Table;

constexpr Status kStatuses[] = {Status::finished, Status::diverged,    Status::failed,
                                Status::running,  Status::interrupted, Status::waiting};

constexpr size_t kShortestName = 12;  ///< of a run, where a terminal is narrow: its digits, and its model's beginning

Cell left(std::string text) { return {.text = std::move(text), .left = true}; }
Cell right(std::string text) { return {.text = std::move(text)}; }

std::vector<Group> groups_of(const Sweep& sweep, const std::vector<RunState>& states) {
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < states.size(); ++i) outcomes.push_back(outcome_of(sweep.runs()[i], states[i]));
  return groups_of(outcomes);
}

int64_t count(const std::vector<RunState>& states, Status status) {
  return std::ranges::count(states, status, &RunState::status);
}

}  // namespace

std::string describe_counts(const std::vector<RunState>& states) {
  std::vector<std::string> texts;
  for (const Status status : kStatuses)
    if (const int64_t runs = count(states, status); runs > 0)
      texts.push_back(fmt::format("{} {}", runs, name_of(status)));
  return trainer::join(texts);
}

std::string status_text(const Sweep& sweep, const std::vector<RunState>& states, size_t width) {
  const auto table_of = [&](size_t name_width, bool with_messages) {
    Table table;
    for (size_t i = 0; i < states.size(); ++i) {
      const SweepRun& run = sweep.runs()[i];
      const std::optional<Outcome>& outcome = states[i].outcome;
      std::string figure = with_messages ? states[i].message : "";
      if (outcome && outcome->final) figure = fmt::format("{} {:.2f}", outcome->final->name, outcome->final->value);
      table.add({right(std::to_string(i + 1)), left(std::string(name_of(states[i].status))),
                 left(trainer::shorten(run.name, name_width)),
                 right(fmt::format("{}/{}", outcome ? outcome->steps_done : 0, run.config.train.steps)), left(figure)});
    }
    return table;
  };
  size_t longest = kShortestName;  // messages take what lines they need
  for (const SweepRun& run : sweep.runs()) longest = std::max(longest, trainer::text_width(run.name));
  const size_t widest = table_of(longest, false).width(), over = widest > width ? widest - width : 0;
  const size_t room = longest > over + kShortestName ? longest - over : kShortestName;
  return table_of(room, true).text(false) + describe_counts(states) + "\n";
}

std::string sizes_text(const std::vector<SweepRun>& runs) {
  Table table;
  table.add({left("model"), left("data"), left("plan"), right("weights MB"), right("activations MB"),
             right("gradients MB"), right("GBitOPs a step"), right("bits")});
  for (const SweepRun& run : runs)
    table.add({left(run.config.model), left(run.data), left(run.config.plan),
               right(trainer::rounded(quant::megabytes(run.size.weights))),
               right(trainer::rounded(quant::megabytes(run.size.activations))),
               right(trainer::rounded(quant::megabytes(run.size.gradients))),
               right(trainer::rounded(run.size.bit_operations / 1e9)),
               right(run.size.mean_bits > 0 ? fmt::format("{:.2f}", run.size.mean_bits) : "fp32")});
  return table.text(false);
}

std::string summary_text(const Sweep& sweep, const std::vector<RunState>& states) {
  const std::vector<Group> groups = groups_of(sweep, states);
  return summary_text(groups, comparisons_of(groups));
}

Json sweep_json(const Sweep& sweep, const std::vector<RunState>& states) {
  Json counts = Json::object(), runs = Json::array();
  for (const Status status : kStatuses) counts[std::string(name_of(status))] = count(states, status);
  for (size_t i = 0; i < states.size(); ++i) runs.push_back(result_row(sweep.runs()[i], states[i]));
  Json json{{"sweep", sweep.spec().name}, {"directory", sweep.folder().path()}, {"counts", counts}, {"runs", runs}};
  if (sweep.spec().sizes_only) return json;
  const std::vector<Group> groups = groups_of(sweep, states);
  json.update(summary_json(groups, comparisons_of(groups)));
  return json;
}

}  // namespace fqt::study
