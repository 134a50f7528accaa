#include "study/report/setups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/check.h"
#include "models/zoo.h"
#include "quant/plan/metric.h"
#include "trainer/plan_file.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;

constexpr Measure kAccuracy{"test accuracy", "test accuracy, %", " %", true};
constexpr Measure kPerplexity{"test perplexity", "test perplexity", "", false};

/// What runs that may be compared have in common: all that decides a result but plan and seed.
using Settings = std::map<std::string, std::string>;

Settings settings_of(const Outcome& run) {
  Settings settings;
  const Json keys = shared_keys(run);
  for (const auto& [key, value] : keys.items()) settings[key] = value.get<std::string>();
  settings["recipe"] = run.recipe;  // with the switches that differ from it
  settings["weights"] = run.config.weights;
  return settings;
}

size_t index_of(const auto& table, const auto* row) { return static_cast<size_t>(row - table.data()); }

/// Float, U, C+ and C- by metric and range, R, files.
auto order_of(const PlanRuns& plan) {
  if (!plan.parsed) return std::tuple(size_t{2}, size_t{0}, 0, 0, size_t{0}, plan.plan);
  const quant::Plan& parsed = *plan.parsed;
  const bool drawn = parsed.strategy->takes_range && !parsed.metric;
  return std::tuple(size_t{drawn ? 1U : 0U}, parsed.metric ? 1 + index_of(quant::metrics(), parsed.metric) : 0,
                    parsed.low, parsed.high, index_of(quant::strategies(), parsed.strategy), plan.plan);
}

/// What `find` finds by a name of the run's manifest. Error(data) naming the manifest where it finds nothing.
auto look_up(const Outcome& run, auto find) {
  try {
    return find();
  } catch (const Error& error) {
    fail(ErrorKind::data,
         "[report] {}/manifest.json names a model or plan that this version of fqt does not have: it is damaged, or "
         "another version wrote it; leave the run out, or make the report with that version ({})",
         run.directory, error.what());
  }
}

std::optional<quant::Plan> parse(const Outcome& run) {
  if (trainer::is_plan_file(run.plan)) return std::nullopt;
  return look_up(run, [&] { return quant::parse_plan(run.plan); });
}

bool is_text(const Outcome& run) {
  return look_up(run, [&] { return models::find_model_kind(run.model).input == models::ModelInput::tokens; });
}

/// Whether the setup has no run of this plan and seed yet.
bool add(Setup& setup, const Outcome& run) {
  auto plan = std::ranges::find(setup.plans, run.plan, &PlanRuns::plan);
  if (plan == setup.plans.end()) plan = setup.plans.insert(plan, {run.plan, parse(run), {}});
  if (std::ranges::find(plan->runs, run.seed, &Outcome::seed) != plan->runs.end()) return false;
  plan->runs.push_back(&run);
  return true;
}

void sort(Setup& setup) {
  std::ranges::stable_sort(setup.plans, {}, order_of);
  for (PlanRuns& plan : setup.plans) std::ranges::stable_sort(plan.runs, {}, &Outcome::seed);
}

/// Says of setups of one model and data what sets them apart: the settings in which they differ.
void name_settings(std::vector<Setup>& setups, const std::vector<Settings>& settings) {
  for (size_t i = 0; i < setups.size(); ++i) {
    std::set<std::string> apart;
    for (size_t j = 0; j < setups.size(); ++j) {
      if (setups[j].model != setups[i].model || setups[j].data != setups[i].data) continue;
      for (const auto& [key, value] : settings[i])
        if (const auto other = settings[j].find(key); other == settings[j].end() || other->second != value)
          apart.insert(key);
    }
    if (apart.contains("recipe"))
      std::erase_if(apart, [](const std::string& key) { return key.starts_with("quant."); });
    for (const std::string& key : apart)
      setups[i].settings += fmt::format("{}{}={}", setups[i].settings.empty() ? "" : ", ", key, settings[i].at(key));
  }
}

}  // namespace

std::vector<const Outcome*> PlanRuns::finished() const {
  std::vector<const Outcome*> finished;
  for (const Outcome* run : runs)
    if (run->status == Status::finished) finished.push_back(run);
  return finished;
}

std::vector<double> PlanRuns::figures() const {
  std::vector<double> figures;
  for (const Outcome* run : finished()) figures.push_back(run->final->value);
  return figures;
}

std::string Setup::title() const {
  return fmt::format("{} on {}{}", model, data, settings.empty() ? "" : fmt::format(" ({})", settings));
}

std::string Setup::length() const {
  const trainer::TrainOptions& train = any().config.train;
  return fmt::format("{} steps of {}", trainer::grouped(any().steps),
                     measure.higher_is_better ? fmt::format("{} images", train.batch)
                                              : fmt::format("{} rows of {} tokens", train.batch, train.sequence));
}

std::vector<PlanComparison> Setup::comparisons() const {
  std::vector<Outcome> outcomes;
  for (const PlanRuns& runs : plans)
    for (const Outcome* run : runs.runs) outcomes.push_back(*run);
  return comparisons_of(groups_of(outcomes));
}

SortedRuns sort_runs(std::span<const Outcome> outcomes) {
  SortedRuns sorted;
  std::vector<const Outcome*> runs;
  for (const Outcome& run : outcomes) (run.id.empty() ? sorted.unknown : runs).push_back(&run);
  // Of runs of one seed one that finished counts.
  std::ranges::stable_sort(runs, {}, [](const Outcome* run) { return run->status != Status::finished; });
  std::set<std::string> ids;
  std::vector<Settings> settings;
  for (const Outcome* run : runs) {
    if (!ids.insert(run->id).second) {
      sorted.repeats.push_back(run);
      continue;
    }
    const Settings own = settings_of(*run);
    size_t i = 0;
    while (i < settings.size() && !(settings[i] == own && sorted.setups[i].data == run->data)) ++i;
    if (i == settings.size()) {
      sorted.setups.push_back({run->model, run->data, "", is_text(*run) ? kPerplexity : kAccuracy, {}});
      settings.push_back(own);
    }
    if (!add(sorted.setups[i], *run)) sorted.repeats.push_back(run);
  }
  for (Setup& setup : sorted.setups) sort(setup);
  name_settings(sorted.setups, settings);
  std::ranges::stable_sort(sorted.setups, {}, &Setup::title);
  return sorted;
}

std::string with_unit(const Measure& measure, double value) { return fmt::format("{:.2f}{}", value, measure.unit); }

}  // namespace fqt::study
