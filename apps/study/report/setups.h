#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quant/plan/plan.h"
#include "study/outcome.h"
#include "study/summary.h"

namespace fqt::study {

/// The runs of a plan, one for each seed, in the order of seeds.
struct PlanRuns {
  std::string plan;
  std::optional<quant::Plan> parsed;  ///< none of a plan file
  std::vector<const Outcome*> runs;

  std::vector<const Outcome*> finished() const;
  std::vector<double> figures() const;  ///< final ones, of those that finished
};

/// What runs are judged by, in words.
struct Measure {
  std::string_view name;   ///< "test accuracy"
  std::string_view title;  ///< with its unit: "test accuracy, %"
  std::string_view unit;   ///< behind a number: " %"
  bool higher_is_better;
};

/// Runs that may be compared: they differ in plan and seed alone, eval.every and probe.every apart.
struct Setup {
  std::string model, data;
  std::string settings;  ///< what sets it apart from others of this model and data; mostly empty
  Measure measure;
  std::vector<PlanRuns> plans;  ///< float, U, then by metric and range, R, files

  const Outcome& any() const { return *plans.front().runs.front(); }
  std::string title() const;                        ///< "resnet20 on cifar10"
  std::string length() const;                       ///< "400 steps of 128 images"
  std::vector<PlanComparison> comparisons() const;  ///< C+ with C-
};

struct SortedRuns {
  std::vector<Setup> setups;            ///< by model and data
  std::vector<const Outcome*> repeats;  ///< of a seed that a plan of a setup has already: counted once
  std::vector<const Outcome*> unknown;  ///< runs of which nothing but the configuration is written yet
};

/// `outcomes` must outlive the result. Error(data) naming the manifest of a run whose model or plan is unknown.
SortedRuns sort_runs(std::span<const Outcome> outcomes);

/// "71.20 %", "33.12"
std::string with_unit(const Measure& measure, double value);

}  // namespace fqt::study
