#include "bench/step.h"

#include "bench/clock.h"
#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "engine/random.h"
#include "models/trace.h"
#include "models/zoo.h"
#include "quant/plan/plan.h"

namespace fqt::bench {

std::vector<double> run_step(const StepOptions& options) {
  constexpr uint64_t kSeed = 1;
  const models::ModelOptions shape;
  const auto model = models::build_model(options.model, shape);
  layers::initialize(*model, kSeed);
  const quant::PrecisionTable precision = quant::make_precision_table(
      quant::assign_bits(quant::parse_plan(options.plan), {}, models::trace_sites(*model, shape), options.batch, kSeed),
      {});
  optim::Sgd optimizer(model->parameters(), {});

  Tensor images({options.batch, shape.height, shape.width, shape.channels});
  fill_normal(random_key(kSeed, {0}), 1.0f, images.values());
  std::vector<int32_t> labels(static_cast<size_t>(options.batch));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i) % static_cast<int32_t>(shape.classes);

  std::vector<double> milliseconds;
  for (int64_t step = 0; step <= options.steps; ++step) {
    const double start = now();
    Tape tape;
    const quant::Context context{
        .tape = tape, .precision = precision, .seed = kSeed, .step = static_cast<uint64_t>(step)};
    const Var loss = ops::cross_entropy(tape, model->forward(context, Var(images)), labels);
    optimizer.zero_grad();
    tape.backward(loss);
    optimizer.step(0.01);
    if (step > 0) milliseconds.push_back((now() - start) * 1e3);
  }
  return milliseconds;
}

}  // namespace fqt::bench
