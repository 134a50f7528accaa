#include "trainer/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "models/trace.h"
#include "models/zoo.h"
#include "trainer/bit_schedule.h"
#include "trainer/host.h"
#include "trainer/inputs.h"
#include "trainer/plan_file.h"
#include "trainer/recipes.h"
#include "trainer/text.h"
#include "trainer/weights.h"

namespace fqt::trainer {
namespace {

constexpr int64_t kStepsOnFolder = 64000;  ///< the recipe for CIFAR
constexpr int64_t kEpochsOnText = 20;
constexpr int64_t kStepsOnEndless = 400;  ///< enough for resnet20 to learn `shapes`

int64_t steps_of(const TrainOptions& options, const data::Data& data, int64_t batches_per_epoch) {
  if (options.steps > 0) return options.steps;
  if (options.epochs > 0) return options.epochs * batches_per_epoch;
  if (is_endless(data)) return kStepsOnEndless;
  return data.images() ? kStepsOnFolder : kEpochsOnText * batches_per_epoch;
}

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

/// What is better said before data is read than after.
void check_before_data(const Config& config) {
  check(!config.model.empty(), "[config] no model is named; `fqt info` lists them, as in `fqt train resnet20`");
  bit_schedule(config);
  kernels::active();  // FQT_ISA may be wrong
}

}  // namespace

std::string Experiment::data_name() const { return data.name(); }

int64_t Experiment::parameter_count() const {
  int64_t count = 0;
  for (const Parameter* parameter : model->parameters()) count += parameter->value.size();
  return count;
}

std::string Experiment::summary() const {
  return fmt::format("{} ({} parameters) on {}, plan {}, recipe {}, batch {}, {} steps, {} {}, {}", config.model,
                     grouped(parameter_count()), data_name(), config.plan, describe_recipe(config), config.train.batch,
                     grouped(config.train.steps), config.threads, config.threads == 1 ? "thread" : "threads",
                     kernels::active().isa);
}

quant::PrecisionTable Experiment::precision_at(int64_t step) const {
  return quant::make_precision_table(quant::scheduled(bits, bit_schedule(config), step), config.quant);
}

std::string describe_batch(const Experiment& experiment) {
  const TrainOptions& train = experiment.config.train;
  return experiment.data.images() ? fmt::format("{} images", train.batch)
                                  : fmt::format("{} rows of {} tokens", train.batch, train.sequence);
}

quant::BitTable plan_bits(const Config& config, std::span<const quant::SiteShape> sites) {
  if (is_plan_file(config.plan)) return read_plan_file(config.plan, sites);
  return quant::assign_bits(quant::parse_plan(config.plan), config.quant, sites, config.train.batch,
                            static_cast<uint64_t>(config.seed));
}

Config settled_config(const Config& config, const data::Data& data) {
  Config settled = config;
  if (is_plan_file(config.plan)) settled.plan = absolute(config.plan);
  if (!config.weights.empty()) settled.weights = absolute(config.weights);
  const data::ImageData* images = data.images();
  if (config.train.augment == "auto") settled.train.augment = images && images->augment ? "on" : "off";
  settled.train.steps = steps_of(config.train, data, training_batches(data, config)->batches_per_epoch());
  settled.train.epochs = 0;
  return settled;
}

std::string anchored_data(const std::string& data) {
  for (const data::DataKind& kind : data::data_kinds())
    if (kind.built_in && kind.name == data) return data;
  return absolute(data);
}

Experiment open_experiment(const Config& config) {
  check_before_data(config);
  const int64_t before = resident_bytes();
  data::Data data = open_data(config);
  const int64_t bytes = std::max<int64_t>(resident_bytes() - before, 0);
  Experiment experiment = open_experiment(config, std::move(data));
  experiment.data_bytes = bytes;
  experiment.config.data = anchored_data(config.data);
  return experiment;
}

Experiment open_experiment(const Config& config, data::Data data) {
  check_before_data(config);
  set_threads(static_cast<int>(config.threads));
  Experiment experiment;
  experiment.data = std::move(data);
  const models::ModelOptions shape = model_options(config, experiment.data);
  experiment.config = settled_config(config, experiment.data);
  experiment.model = models::build_model(config.model, shape);
  layers::initialize(*experiment.model, static_cast<uint64_t>(config.seed));
  if (!config.weights.empty()) load_weights(config.weights, *experiment.model);
  experiment.sites = models::trace_sites(*experiment.model, shape, models::find_model_kind(config.model).input);
  experiment.bits = plan_bits(experiment.config, experiment.sites);
  experiment.precision = quant::make_precision_table(experiment.bits, config.quant);
  return experiment;
}

}  // namespace fqt::trainer
