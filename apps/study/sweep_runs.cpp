#include "study/sweep_runs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "engine/check.h"
#include "engine/find.h"
#include "models/trace.h"
#include "trainer/config_keys.h"
#include "trainer/experiment.h"
#include "trainer/identity.h"
#include "trainer/inputs.h"
#include "trainer/plan_file.h"
#include "trainer/run_directory.h"

namespace fqt::study {
namespace {

using trainer::Assignment;
using trainer::Config;

constexpr size_t kDigits = 8;  ///< of the id in a run's name

/// Data opened and models traced, each once.
class Workshop {
 public:
  const data::Data& data(const Config& config) {
    const data::DataKind* kind = find_or_null(data::data_kinds(), config.data);
    const int64_t seed = kind != nullptr && kind->built_in ? config.seed : 0;  // files hold the same for every seed
    const auto key = std::tuple(config.data, seed, config.images.side, config.images.drawn_side, config.images.coarse,
                                config.text.level);
    const auto place = data_.find(key);
    if (place != data_.end()) return place->second;
    return data_.emplace(key, trainer::open_data(config)).first->second;
  }

  const std::vector<quant::SiteShape>& sites(const std::string& model, const models::ModelOptions& options) {
    const auto key =
        std::tuple(model, options.height, options.width, options.channels, options.classes, options.sequence,
                   options.norm, options.hidden, options.depth, options.heads, options.feed_forward, options.positions);
    const auto place = sites_.find(key);
    if (place != sites_.end()) return place->second;
    return sites_
        .emplace(key, models::trace_sites(*models::build_model(model, options), options,
                                          models::find_model_kind(model).input))
        .first->second;
  }

 private:
  std::map<std::tuple<std::string, int64_t, int64_t, int64_t, bool, std::string>, data::Data> data_;
  std::map<std::tuple<std::string, int64_t, int64_t, int64_t, int64_t, int64_t, std::string, int64_t, int64_t, int64_t,
                      int64_t, std::string>,
           std::vector<quant::SiteShape>>
      sites_;
};

/// One value of each axis; `seed` is the place of the seed among its axis' values.
struct Choice {
  std::vector<Assignment> assignments;
  size_t seed = 0;
};

/// The product of a grid's axes, the last one fastest.
std::vector<Choice> product(const Grid& grid) {
  std::vector<Choice> choices{{}};
  for (const Axis& axis : grid.axes) {
    std::vector<Choice> longer;
    for (const Choice& choice : choices)
      for (size_t i = 0; i < axis.values.size(); ++i) {
        Choice& next = longer.emplace_back(choice);
        next.assignments.push_back(axis.values[i]);
        if (axis.key == "seed") next.seed = i;
      }
    choices = std::move(longer);
  }
  return choices;
}

/// `over` in place of what is there of the same keys; steps and epochs take each other's place, too.
void put_over(std::vector<Assignment>& assignments, const std::vector<Assignment>& over) {
  const auto length = [](const std::string& key) { return key == "train.steps" || key == "train.epochs"; };
  for (const Assignment& assignment : over) {
    std::erase_if(assignments, [&](const Assignment& other) {
      return other.key == assignment.key || (length(other.key) && length(assignment.key));
    });
    assignments.push_back(assignment);
  }
}

/// Of what runs.
int widest_of(const quant::PrecisionTable& precision, const std::vector<quant::SiteShape>& sites) {
  int widest = 0;
  for (const quant::SiteShape& site : sites)
    for (const quant::ProductKind kind : quant::kProducts) {
      const quant::ProductPrecision& product = precision.at(site.name).products[kind];
      for (const int bits : {product.lhs.bits, product.rhs.bits})
        if (bits < 32) widest = std::max(widest, bits);
    }
  return widest == 0 ? 32 : widest;
}

SweepRun work_out(std::vector<Assignment> assignments, const DataPlaces& places, Workshop& workshop) {
  SweepRun run;
  for (Assignment& assignment : assignments) {
    const bool is_file =
        assignment.key == "weights" || (assignment.key == "plan" && trainer::is_plan_file(assignment.text));
    if (assignment.key == "data") assignment.text = places.find(assignment.text);
    if (is_file) assignment.text = std::filesystem::absolute(assignment.text).lexically_normal().string();
  }
  const Config given = trainer::resolve_config({assignments});
  const data::Data& data = workshop.data(given);
  const models::ModelOptions options = trainer::model_options(given, data);
  run.assignments = std::move(assignments);
  run.config = trainer::settled_config(given, data);
  run.data = data.name();
  const std::vector<quant::SiteShape>& sites = workshop.sites(given.model, options);
  const trainer::PlannedModel plan = trainer::view_plan(run.config, sites).plans.front();
  run.size = plan.size;
  run.widest = widest_of(plan.precision, sites);
  run.id = trainer::run_id(
      trainer::run_identity(run.config, plan.bits, trainer::data_hashes(data), trainer::start_hash(run.config)),
      run.config.plan);
  run.name = fmt::format("{}-{}", trainer::run_name(given, run.data), run.id.substr(0, kDigits));
  run.test_items = trainer::evaluation_batches(data, run.config, trainer::Split::test).items;
  run.batch_items = run.config.train.batch * (data.images() ? 1 : run.config.train.sequence);
  return run;
}

}  // namespace

std::vector<SweepRun> sweep_runs(const SweepSpec& spec, const SweepChoices& choices, const DataPlaces& places) {
  for (const Assignment& assignment : choices.set)
    check(option_for(assignment.key).empty(), "[sweep] {}: the sweep itself says it; leave it out and give {}",
          assignment.where, option_for(assignment.key));
  Workshop workshop;
  std::vector<std::pair<size_t, SweepRun>> by_seed;
  std::set<std::string> seen;
  for (const Grid& grid : spec.grids) {
    if (!grid.scale.empty() && grid.scale != choices.scale) continue;
    for (Choice& choice : product(grid)) {
      put_over(choice.assignments, choices.set);
      try {
        SweepRun run = work_out(std::move(choice.assignments), places, workshop);
        if (!seen.insert(run.id).second) continue;
        run.directory = fmt::format("{}/runs/{}", choices.out, run.name);
        by_seed.emplace_back(choice.seed, std::move(run));
      } catch (const Error& error) {
        std::string_view what = error.what();
        if (constexpr std::string_view kOwn = "[sweep] "; what.starts_with(kOwn)) what.remove_prefix(kOwn.size());
        fail(error.kind(), "[sweep] the grid at {}: {}", grid.where, what);
      }
    }
  }
  check(!by_seed.empty(), "[sweep] {} has no grid of scale {}, so there is nothing to run", spec.name, choices.scale);
  std::ranges::stable_sort(by_seed, {}, [](const auto& entry) { return entry.first; });
  std::vector<SweepRun> runs;
  for (auto& [seed, run] : by_seed) runs.push_back(std::move(run));
  return runs;
}

std::vector<std::string> train_arguments(const SweepRun& run, int threads) {
  std::vector<std::string> arguments{"train", run.config.model};
  for (const Assignment& assignment : run.assignments) {
    if (assignment.key == "model") continue;
    const std::string_view flag = trainer::find_key(assignment.key)->flag;
    if (flag.empty())
      arguments.insert(arguments.end(), {"--set", fmt::format("{}={}", assignment.key, assignment.text)});
    else
      arguments.insert(arguments.end(), {std::string(flag), assignment.text});
  }
  arguments.insert(arguments.end(), {"--threads", std::to_string(threads), "--out", run.directory});
  return arguments;
}

}  // namespace fqt::study
