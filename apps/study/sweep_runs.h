#pragma once

#include <string>
#include <vector>

#include "study/places.h"
#include "study/sweep_spec.h"
#include "trainer/plan_view/plan_view.h"

namespace fqt::study {

/// One run of a sweep, worked out before anything runs.
struct SweepRun {
  std::vector<trainer::Assignment> assignments;  ///< what `fqt train` is told, places of data and all
  trainer::Config config;                        ///< what that comes to
  std::string data;                              ///< "shapes", "cifar10"
  std::string id;                                ///< trainer::run_id
  std::string name;                              ///< <model>-<plan>-<data>-s<seed>-<8 digits of the id>
  std::string directory;                         ///< OUT/runs/<name>
  quant::PlanSize size;
  int widest = 32;          ///< bits of the widest operand of a quantized product; 32 where all is float
  int64_t test_items = 0;   ///< images or tokens that an evaluation takes
  int64_t batch_items = 0;  ///< and a training step
};

struct SweepChoices {
  std::string scale = "laptop";
  std::vector<trainer::Assignment> set = {};  ///< over every run's keys
  std::string out = {};
};

/// Every run of a spec, once: seed by seed, and within a seed in the order of the grids. Opens every data set and
/// traces every model, and runs nothing. Error(usage) where a configuration or a plan does not resolve, naming the
/// grid, and where no grid is of this scale; errors of data as trainer::open_data.
std::vector<SweepRun> sweep_runs(const SweepSpec& spec, const SweepChoices& choices, const DataPlaces& places);

/// The arguments of `fqt` that train a run from its beginning.
std::vector<std::string> train_arguments(const SweepRun& run, int threads);

}  // namespace fqt::study
