#include "trainer/passes.h"

#include "engine/ops/loss.h"
#include "engine/optim/clip.h"

namespace fqt::trainer {

StepOutcome train_on(const Learner& learner, const data::Batch& batch, const quant::PrecisionTable& precision,
                     int64_t step, double learning_rate, quant::Probe* probe) {
  const auto& [config, model, optimizer] = learner;
  optimizer.zero_grad();
  if (batch.restart)
    for (const layers::NamedBuffer& state : model.states()) *state.tensor = Tensor();
  Tape tape;
  const quant::Context context{.tape = tape,
                               .precision = precision,
                               .training = true,
                               .seed = static_cast<uint64_t>(config.seed),
                               .step = static_cast<uint64_t>(step),
                               .range_momentum = config.quant.range_momentum,
                               .probe = probe};
  const Var logits = model.forward(context, Var(batch.inputs));
  const Var loss = ops::cross_entropy(tape, logits, batch.labels, config.train.label_smoothing);
  const float value = loss.value().item();
  tape.backward(loss);
  if (config.train.clip > 0) optim::clip_gradients(model.parameters(), config.train.clip);
  optimizer.step(learning_rate);
  return {value, ops::count_correct(logits.value(), batch.labels)};
}

TestOutcome test_on(const Config& config, layers::Module& model, const data::Batch& batch,
                    const quant::PrecisionTable& precision, uint64_t number) {
  Tape tape(false);
  const quant::Context context{.tape = tape,
                               .precision = precision,
                               .training = false,
                               .seed = static_cast<uint64_t>(config.seed),
                               .step = number,
                               .range_momentum = config.quant.range_momentum};
  const Var logits = model.forward(context, Var(batch.inputs));
  return {logits.value(), ops::cross_entropy(tape, logits, batch.labels).value().item()};
}

}  // namespace fqt::trainer
