#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "study/outcome.h"
#include "study/statistics.h"
#include "trainer/json.h"

namespace fqt::study {

/// Runs that differ in nothing but their seed and in how often they are measured on the way.
struct Group {
  std::string model, data, plan, recipe;
  std::string settings{};  ///< further keys in which groups of its model, data and recipe differ: "train.steps=30"
  int64_t steps = 0;
  SizeOutcome size{};                  ///< of the first run; under a plan R each seed has its own
  Figure metric{};                     ///< name and direction; its value means nothing
  std::map<int64_t, double> values{};  ///< the final figure, by seed
  trainer::Json keys{};                ///< shared_keys of its runs
  int unfinished = 0;  ///< seeds of which no run has ended well: it diverged, failed, or is not done yet

  double mean() const;
  double deviation() const;
};

/// A plan C+ beside the C- of the same metric, range and options, all else equal.
struct PlanComparison {
  std::string model, data, recipe, settings;
  std::string plus, minus;  ///< "A:C+:4-8", "A:C-:4-8"
  std::string metric;
  Comparison comparison;  ///< of plus with minus, over seeds that both have
};

/// The keys and values that decide the result of a run, its plan, data and seed apart, and apart from how often it is
/// measured on the way, which decides nothing.
trainer::Json shared_keys(const Outcome& outcome);

/// In the order in which their first runs come.
std::vector<Group> groups_of(const std::vector<Outcome>& outcomes);

/// In the order of the groups.
std::vector<PlanComparison> comparisons_of(const std::vector<Group>& groups);

/// "83.21 ± 0.41 (3)" and what it is of, a line for each group; then a line for each comparison.
std::string summary_text(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons);

/// "groups" and "comparisons".
trainer::Json summary_json(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons);

}  // namespace fqt::study
