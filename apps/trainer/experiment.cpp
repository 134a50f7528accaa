#include "trainer/experiment.h"

#include <fmt/format.h>

#include <filesystem>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "models/zoo.h"
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

Experiment open_experiment(const Config& config) {
  check(!config.model.empty(), "[config] no model is named; `fqt info` lists them, as in `fqt train resnet20`");
  kernels::active();  // FQT_ISA may be wrong: better said before data is read than after
  set_threads(static_cast<int>(config.threads));

  Experiment experiment;
  experiment.config = config;
  const quant::Plan plan = quant::parse_plan(config.plan);
  experiment.data = data::open_images(config.data, static_cast<uint64_t>(config.seed));
  const data::ImageDataset& train = *experiment.data.train;
  check(config.train.batch <= train.size(),
        "[config] train.batch: {} images a step, but {} has {}; give fewer with --batch", config.train.batch,
        experiment.data_name(), train.size());
  experiment.config.data = anchored(config.data);
  experiment.config.train.steps = steps_of(config.train, train);
  experiment.config.train.epochs = 0;
  if (config.train.augment == "auto") experiment.config.train.augment = experiment.data.augment ? "on" : "off";

  experiment.model = models::build_model(
      config.model, {train.height(), train.width(), train.channels(), train.classes(), config.layers.norm});
  layers::initialize(*experiment.model, static_cast<uint64_t>(config.seed));
  experiment.precision = quant::make_precision_table(plan, config.quant, experiment.model->sites());
  return experiment;
}

}  // namespace fqt::trainer
