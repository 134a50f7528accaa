#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "study/outcome.h"
#include "study/statistics.h"
#include "trainer/json.h"

namespace fqt::study {

/// Finished runs that differ in nothing but their seed.
struct Group {
  std::string model, data, plan, recipe;
  std::string settings;  ///< further keys in which groups of one name differ: "train.steps=30"; empty where none does
  int64_t steps = 0;
  SizeOutcome size;                  ///< of the first run; under a plan R each seed has its own
  Figure metric;                     ///< name and direction; its value means nothing
  std::map<int64_t, double> values;  ///< the final figure, by seed
  int unfinished = 0;                ///< runs of the group that diverged or failed, or are not done yet

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

/// In the order in which their first runs come.
std::vector<Group> groups_of(const std::vector<Outcome>& outcomes);

/// In the order of the groups.
std::vector<PlanComparison> comparisons_of(const std::vector<Group>& groups);

/// "83.21 ± 0.41 (3)" and what it is of, a line for each group; then a line for each comparison.
std::string summary_text(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons);

/// "groups" and "comparisons".
trainer::Json summary_json(const std::vector<Group>& groups, const std::vector<PlanComparison>& comparisons);

}  // namespace fqt::study
