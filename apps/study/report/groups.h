#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quant/plan/plan.h"
#include "study/outcome.h"
#include "study/statistics.h"

namespace fqt::study {

/// The runs of a plan, one for each seed, in the order of seeds.
struct PlanRuns {
  std::string plan;
  std::optional<quant::Plan> parsed;  ///< none of a plan file
  std::vector<const Outcome*> runs;

  std::vector<const Outcome*> finished() const;
  std::vector<double> figures() const;  ///< final ones, of those that finished
};

/// What a group is judged by, in words.
struct Measure {
  std::string_view name;   ///< "test accuracy"
  std::string_view title;  ///< with its unit: "test accuracy, %"
  std::string_view unit;   ///< behind a number: " %"
  bool higher_is_better;
};

/// C+ and C- of one metric and range, over the seeds that both finished with.
struct SignComparison {
  std::string rising, falling;  ///< "A:C+:4-8", "A:C-:4-8"
  double rising_mean = 0, falling_mean = 0;
  Comparison result;  ///< rising minus falling
};

/// Runs that may be compared: they differ in plan and seed alone.
struct Group {
  std::string model, data;
  std::string settings;  ///< what sets it apart from other groups of this model and data; mostly empty
  Measure measure;
  std::vector<PlanRuns> plans;  ///< float, U, then by metric and range, R, files

  const Outcome& any() const { return *plans.front().runs.front(); }
  std::string title() const;  ///< "resnet20 on cifar10"
  std::vector<SignComparison> comparisons() const;
};

struct Grouping {
  std::vector<Group> groups;
  std::vector<const Outcome*> repeats;  ///< runs that another run in the groups equals: counted once
  std::vector<const Outcome*> unknown;  ///< runs of which nothing but the configuration is written yet
};

/// `outcomes` must outlive the result.
Grouping group_runs(std::span<const Outcome> outcomes);

/// "71.20 %", "33.12"
std::string with_unit(const Measure& measure, double value);

}  // namespace fqt::study
