#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "layers/module.h"
#include "quant/plan/plan.h"
#include "quant/precision.h"
#include "trainer/config.h"

namespace fqt::trainer {

/// What a configuration stands for: data opened, model built with its starting values, the precision of every site.
struct Experiment {
  Config config;  ///< resolved: train.steps is set instead of train.epochs, no switch is "auto", paths are absolute
  data::ImageData data;
  std::unique_ptr<layers::Module> model;
  quant::PrecisionTable precision;

  /// "shapes", "cifar10"
  std::string data_name() const;
  int64_t parameter_count() const;
  /// The model, its data, precision and length, in one line.
  std::string summary() const;
};

/// Sets the number of threads, too. Error(usage), Error(missing) or Error(data) for what cannot be built; nothing is
/// written.
Experiment open_experiment(const Config& config);

}  // namespace fqt::trainer
