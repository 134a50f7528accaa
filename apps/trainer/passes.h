#pragma once

#include <cstdint>

#include "data/batch.h"
#include "engine/optim/optimizer.h"
#include "layers/module.h"
#include "quant/precision.h"
#include "quant/probe.h"
#include "trainer/config.h"

namespace fqt::trainer {

// What a run does over and over: a step of training, a batch of evaluation.

/// A model on its way, with what its steps need; it must outlive the passes.
struct Learner {
  const Config& config;
  layers::Module& model;
  optim::Optimizer& optimizer;
};

struct StepOutcome {
  float loss;       ///< mean over the batch, in nats
  int64_t correct;  ///< labels that have the largest logit
};

/// Forward, backward and a step of the optimizer on a batch: step `step` of the run, counted from 0. `probe` may be
/// null. Error(data) where an operand is NaN or infinite.
StepOutcome train_on(const Learner& learner, const data::Batch& batch, const quant::PrecisionTable& precision,
                     int64_t step, double learning_rate, quant::Probe* probe);

struct TestOutcome {
  Tensor logits;
  float loss;  ///< mean over the batch, in nats
};

/// Batch `number` of an evaluation, counted from 0. Error(data) as above.
TestOutcome test_on(const Config& config, layers::Module& model, const data::Batch& batch,
                    const quant::PrecisionTable& precision, uint64_t number);

}  // namespace fqt::trainer
