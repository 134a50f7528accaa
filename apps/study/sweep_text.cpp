#include <fmt/format.h>

#include <array>

#include "study/results.h"
#include "study/summary.h"
#include "study/sweep.h"
#include "trainer/plan_view/table.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Cell;
using trainer::Json;
using trainer::Table;

constexpr Status kStatuses[] = {Status::finished, Status::diverged,    Status::failed,
                                Status::running,  Status::interrupted, Status::waiting};

Cell left(std::string text) { return {.text = std::move(text), .left = true}; }
Cell right(std::string text) { return {.text = std::move(text)}; }

/// One that has not begun has its place in the summary all the same.
Outcome outcome_of(const SweepRun& run, const RunState& state) {
  if (state.outcome) return *state.outcome;
  Outcome outcome;
  outcome.config = run.config;
  outcome.model = run.config.model;
  outcome.data = run.data;
  outcome.plan = run.config.plan;
  outcome.recipe = trainer::describe_recipe(run.config);
  outcome.seed = run.config.seed;
  outcome.steps = run.config.train.steps;
  outcome.size.weights_mb = quant::megabytes(run.size.weights);
  if (run.size.mean_bits > 0) outcome.size.mean_bits = run.size.mean_bits;
  return outcome;
}

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

std::string status_text(const Sweep& sweep, const std::vector<RunState>& states) {
  Table table;
  for (size_t i = 0; i < states.size(); ++i) {
    const SweepRun& run = sweep.runs()[i];
    const std::optional<Outcome>& outcome = states[i].outcome;
    std::string figure = states[i].message;
    if (outcome && outcome->final) figure = fmt::format("{} {:.2f}", outcome->final->name, outcome->final->value);
    table.add({right(std::to_string(i + 1)), left(std::string(name_of(states[i].status))), left(run.name),
               right(fmt::format("{}/{}", outcome ? outcome->steps_done : 0, run.config.train.steps)), left(figure)});
  }
  return table.text(false) + describe_counts(states) + "\n";
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
