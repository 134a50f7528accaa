#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/open.h"
#include "layers/module.h"
#include "quant/plan/plan.h"
#include "quant/plan/shape.h"
#include "quant/precision.h"
#include "trainer/config.h"

namespace fqt::trainer {

/// What a configuration stands for: data opened, model built with its starting values, the precision of every site.
struct Experiment {
  Config config;  ///< resolved: train.steps is set instead of train.epochs, no switch is "auto", paths are absolute
  data::Data data;
  int64_t data_bytes = 0;  ///< memory that opening it took up
  std::unique_ptr<layers::Module> model;
  std::vector<quant::SiteShape> sites;
  quant::BitTable bits;             ///< as planned
  quant::PrecisionTable precision;  ///< of the planned bits: what evaluation runs on

  /// "shapes", "cifar10"
  std::string data_name() const;
  int64_t parameter_count() const;
  /// The precision of a training step, counted from 0, where bits follow a schedule.
  quant::PrecisionTable precision_at(int64_t step) const;
  /// The model, its data, precision and length, in one line.
  std::string summary() const;
};

/// "128 images", "20 rows of 35 tokens"
std::string describe_batch(const Experiment& experiment);

/// The bits of a model's sites under config.plan, be it a text or a file.
quant::BitTable plan_bits(const Config& config, std::span<const quant::SiteShape> sites);

/// A configuration as a run on `data` resolves it: train.steps set instead of train.epochs, no switch "auto", paths of
/// a plan file and of weights absolute. Errors as training_batches.
Config settled_config(const Config& config, const data::Data& data);

/// Built-in data by name, or an absolute path: a run directory can then be evaluated from anywhere.
std::string anchored_data(const std::string& data);

/// Sets the number of threads, too. Error(usage), Error(missing) or Error(data) for what cannot be built; nothing is
/// written.
Experiment open_experiment(const Config& config);
/// The same on data that is open already, whatever config.data says.
Experiment open_experiment(const Config& config, data::Data data);

}  // namespace fqt::trainer
