#include "trainer/experiment.h"

#include <fmt/format.h>

#include <filesystem>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "models/trace.h"
#include "models/zoo.h"
#include "trainer/bit_schedule.h"
#include "trainer/plan_file.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr int64_t kStepsOnFolder = 64000;  ///< the recipe for CIFAR
constexpr int64_t kStepsOnEndless = 400;   ///< enough for resnet20 to learn `shapes`

int64_t steps_of(const TrainOptions& options, const data::ImageDataset& train) {
  if (options.steps > 0) return options.steps;
  if (options.epochs > 0) return options.epochs * ((train.size() + options.batch - 1) / options.batch);
  return train.endless() ? kStepsOnEndless : kStepsOnFolder;
}

data::DataOptions data_options(const Config& config) {
  return {.seed = static_cast<uint64_t>(config.seed),
          .side = config.images.side,
          .coarse = config.images.coarse,
          .level = config.text.level};
}

/// A run directory can then be evaluated from anywhere.
std::string anchored(const std::string& data) {
  for (const data::DataKind& kind : data::data_kinds())
    if (kind.built_in && kind.name == data) return data;
  return std::filesystem::absolute(data).lexically_normal().string();
}

}  // namespace

std::string Experiment::data_name() const {
  const std::string name = data.train->name();
  return name.substr(0, name.find('/'));
}

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

quant::BitTable plan_bits(const Config& config, std::span<const quant::SiteShape> sites) {
  if (is_plan_file(config.plan)) return read_plan_file(config.plan, sites);
  return quant::assign_bits(quant::parse_plan(config.plan), config.quant, sites, config.train.batch,
                            static_cast<uint64_t>(config.seed));
}

Experiment open_experiment(const Config& config) {
  check(!config.model.empty(), "[config] no model is named; `fqt info` lists them, as in `fqt train resnet20`");
  bit_schedule(config);  // what does not go together is said before data is read, too
  kernels::active();     // FQT_ISA may be wrong: better said before data is read than after
  set_threads(static_cast<int>(config.threads));

  Experiment experiment;
  experiment.config = config;
  experiment.data = data::open_images(config.data, data_options(config));
  const data::ImageDataset& train = *experiment.data.train;
  check(config.train.batch <= train.size(),
        "[config] train.batch: {} images a step, but {} has {}; give fewer with --batch", config.train.batch,
        experiment.data_name(), train.size());
  experiment.config.data = anchored(config.data);
  if (is_plan_file(config.plan))
    experiment.config.plan = std::filesystem::absolute(config.plan).lexically_normal().string();
  experiment.config.train.steps = steps_of(config.train, train);
  experiment.config.train.epochs = 0;
  if (config.train.augment == "auto") experiment.config.train.augment = experiment.data.augment ? "on" : "off";

  const models::ModelOptions shape{.height = train.height(),
                                   .width = train.width(),
                                   .channels = train.channels(),
                                   .classes = train.classes(),
                                   .norm = config.layers.norm};
  experiment.model = models::build_model(config.model, shape);
  layers::initialize(*experiment.model, static_cast<uint64_t>(config.seed));
  experiment.sites = models::trace_sites(*experiment.model, shape);
  experiment.bits = plan_bits(experiment.config, experiment.sites);
  experiment.precision = quant::make_precision_table(experiment.bits, config.quant);
  return experiment;
}

}  // namespace fqt::trainer
