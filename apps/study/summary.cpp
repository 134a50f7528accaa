#include "study/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "trainer/identity.h"
#include "trainer/plan_view/table.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Cell;
using trainer::Json;
using trainer::Table;

/// A group at work.
struct Draft {
  Group group;
  std::set<int64_t> seeds;
};

/// Whether their plans may be held against each other where their keys are equal, too.
bool alike(const Group& a, const Group& b) { return a.model == b.model && a.data == b.data && a.recipe == b.recipe; }

/// Tells groups of one model, data and recipe apart by the keys they differ in.
void name_settings(std::vector<Draft>& drafts) {
  for (Draft& draft : drafts) {
    std::set<std::string> differing;
    for (const Draft& other : drafts)
      if (alike(draft.group, other.group))
        for (const auto& [key, value] : draft.group.keys.items())
          if (other.group.keys.value(key, Json()) != value) differing.insert(key);
    std::vector<std::string> texts;
    for (const std::string& key : differing)
      texts.push_back(fmt::format("{}={}", key, draft.group.keys[key].get<std::string>()));
    draft.group.settings = trainer::join(texts);
  }
}

std::vector<double> values_of(const Group& group) {
  std::vector<double> values;
  for (const auto& [seed, value] : group.values) values.push_back(value);
  return values;
}

/// The plan that a C+ is held against; empty for other plans.
std::string counterpart(const std::string& plan) {
  constexpr std::string_view kPlus = ":C+:", kMinus = ":C-:";
  const size_t at = plan.find(kPlus);
  return at == std::string::npos ? "" : std::string(plan).replace(at, kPlus.size(), kMinus);
}

Cell left(std::string text) { return {.text = std::move(text), .left = true}; }
Cell right(std::string text) { return {.text = std::move(text)}; }

/// A model, and what else its rows differ in.
std::string labelled(const std::string& model, const std::string& recipe, const std::string& settings) {
  return fmt::format("{}{}{}", model, recipe.empty() ? "" : " " + recipe, settings.empty() ? "" : " " + settings);
}

bool one_recipe(const std::vector<Group>& groups) {
  return std::ranges::all_of(groups, [&](const Group& group) { return group.recipe == groups.front().recipe; });
}

}  // namespace

Json shared_keys(const Outcome& outcome) {
  Json keys = trainer::deciding_keys(outcome.config);
  for (const char* key : {"seed", "eval.every", "probe.every"}) keys.erase(key);
  keys["train.steps"] = std::to_string(outcome.steps);
  if (!outcome.config.weights.empty()) keys["weights"] = outcome.config.weights;
  return keys;
}

double Group::mean() const { return study::mean(values_of(*this)); }

double Group::deviation() const { return sample_deviation(values_of(*this)); }

std::vector<Group> groups_of(const std::vector<Outcome>& outcomes) {
  std::vector<Draft> drafts;
  for (const Outcome& outcome : outcomes) {
    Group group{.model = outcome.model,
                .data = outcome.data,
                .plan = outcome.plan,
                .recipe = outcome.recipe,
                .steps = outcome.steps,
                .size = outcome.size,
                .keys = shared_keys(outcome)};
    auto draft = std::ranges::find_if(drafts, [&](const Draft& other) {
      return alike(other.group, group) && other.group.plan == group.plan && other.group.keys == group.keys;
    });
    if (draft == drafts.end()) draft = drafts.insert(draft, {std::move(group), {}});
    draft->seeds.insert(outcome.seed);
    if (!outcome.final) continue;
    draft->group.metric = {outcome.final->name, 0, 0};
    draft->group.values.emplace(outcome.seed, outcome.final->value);
  }
  name_settings(drafts);
  std::vector<Group> groups;
  for (Draft& draft : drafts) {
    draft.group.unfinished = static_cast<int>(draft.seeds.size() - draft.group.values.size());
    groups.push_back(std::move(draft.group));
  }
  return groups;
}

std::vector<PlanComparison> comparisons_of(const std::vector<Group>& groups) {
  std::vector<PlanComparison> comparisons;
  for (const Group& plus : groups) {
    const std::string minus_plan = counterpart(plus.plan);
    const auto minus = std::ranges::find_if(groups, [&](const Group& other) {
      return other.plan == minus_plan && alike(other, plus) && other.keys == plus.keys;
    });
    if (minus_plan.empty() || minus == groups.end()) continue;
    std::vector<std::pair<double, double>> pairs;
    for (const auto& [seed, value] : plus.values)
      if (const auto other = minus->values.find(seed); other != minus->values.end())
        pairs.emplace_back(value, other->second);
    comparisons.push_back({plus.model, plus.data, plus.recipe, plus.settings, plus.plan, minus_plan, plus.metric.name,
                           compare(pairs, plus.metric.higher_is_better())});
  }
  return comparisons;
}

std::string summary_text(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons) {
  const auto label = [alike = one_recipe(groups)](const auto& row) {
    return left(labelled(row.model, alike ? "" : row.recipe, row.settings));
  };
  Table table;
  table.add({left("model"), left("data"), left("plan"), left("metric"), right("mean"), right("sd"), right("seeds"),
             right("weights MB"), right("bits")});
  for (const Group& group : groups) {
    const bool none = group.values.empty();
    table.add({label(group), left(group.data), left(group.plan), left(none ? "-" : group.metric.name),
               right(none ? "-" : fmt::format("{:.2f}", group.mean())),
               right(group.values.size() < 2 ? "-" : fmt::format("{:.2f}", group.deviation())),
               right(group.unfinished == 0
                         ? std::to_string(group.values.size())
                         : fmt::format("{} of {}", group.values.size(), group.values.size() + group.unfinished)),
               right(trainer::rounded(group.size.weights_mb)),
               right(group.size.mean_bits ? fmt::format("{:.2f}", *group.size.mean_bits) : "fp32")});
  }
  std::string text = table.text(false);
  if (comparisons.empty()) return text;
  Table pairs;
  pairs.add({left("model"), left("data"), left("C+ beside C-"), right("pairs"), right("difference"),
             right("95 % interval"), left("C+ is")});
  for (const PlanComparison& row : comparisons) {
    const Comparison& found = row.comparison;
    pairs.add(
        {label(row), left(row.data), left(row.plus), right(std::to_string(found.pairs)),
         right(found.pairs == 0 ? "-" : fmt::format("{:+.2f}", found.difference)),
         right(found.pairs < 2 ? "-" : fmt::format("{:+.2f} to {:+.2f}", found.interval.low, found.interval.high)),
         left(std::string(name_of(found.verdict)))});
  }
  return text + "\n" + pairs.text(false);
}

Json summary_json(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons) {
  Json json{{"groups", Json::array()}, {"comparisons", Json::array()}};
  for (const Group& group : groups) {
    Json values = Json::object();
    for (const auto& [seed, value] : group.values) values[std::to_string(seed)] = value;
    json["groups"].push_back({{"model", group.model},
                              {"data", group.data},
                              {"plan", group.plan},
                              {"recipe", group.recipe},
                              {"settings", group.settings},
                              {"steps", group.steps},
                              {"metric", group.values.empty() ? Json() : Json(group.metric.name)},
                              {"mean", group.values.empty() ? Json() : Json(group.mean())},
                              {"sd", group.values.size() < 2 ? Json() : Json(group.deviation())},
                              {"by_seed", values},
                              {"unfinished", group.unfinished},
                              {"weights_mb", group.size.weights_mb},
                              {"bitops", group.size.bitops}});
  }
  for (const PlanComparison& row : comparisons) {
    const Comparison& found = row.comparison;
    const bool known = found.pairs >= 2;
    json["comparisons"].push_back({{"model", row.model},
                                   {"data", row.data},
                                   {"recipe", row.recipe},
                                   {"settings", row.settings},
                                   {"plus", row.plus},
                                   {"minus", row.minus},
                                   {"metric", row.metric},
                                   {"pairs", found.pairs},
                                   {"difference", found.pairs > 0 ? Json(found.difference) : Json()},
                                   {"sd", known ? Json(found.deviation) : Json()},
                                   {"low", known ? Json(found.interval.low) : Json()},
                                   {"high", known ? Json(found.interval.high) : Json()},
                                   {"verdict", name_of(found.verdict)}});
  }
  return json;
}

}  // namespace fqt::study
