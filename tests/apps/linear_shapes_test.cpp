// The built-in data is worth training on only if what is easy does not suffice: a linear classifier must fail.
#include <doctest/doctest.h>

#include "data/loader.h"
#include "data/open.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "layers/linear.h"
#include "support/precision_table.h"

using namespace fqt;

TEST_CASE("shapes: a linear classifier stays under 50 %") {
  const data::ImageData images = data::open_images("shapes", {});
  layers::Linear model("linear", {.in_features = 32 * 32 * 3, .out_features = 10});
  layers::initialize(model, 1);
  const quant::PrecisionTable precision = test::precision_table("fp32", model.sites());
  const auto forward = [&](Tape& tape, const Tensor& batch, uint64_t step) {
    const quant::Context context{.tape = tape, .precision = precision, .training = true, .seed = 1, .step = step};
    return model.forward(context, Var(batch.reshape({batch.dim(0), -1})));
  };

  optim::Sgd optimizer(model.parameters(), {});
  data::Loader loader(*images.train, images.normalization, {.batch = 128, .augment = images.augment});
  constexpr int kSteps = 200, kLast = 50;
  int64_t learned = 0;
  for (uint64_t step = 0; step < kSteps; ++step) {
    const data::Batch batch = loader.next();
    Tape tape;
    const Var logits = forward(tape, batch.inputs, step);
    const Var loss = ops::cross_entropy(tape, logits, batch.labels);
    optimizer.zero_grad();
    tape.backward(loss);
    optimizer.step(0.003);
    if (step >= kSteps - kLast) learned += ops::count_correct(logits.value(), batch.labels);
  }
  const data::Batch test = data::make_batch(*images.test, images.normalization,
                                            {.batch = images.test->size(), .shuffle = false, .augment = false}, 0);
  Tape tape(false);
  const int64_t correct = ops::count_correct(forward(tape, test.inputs, 0).value(), test.labels);
  const double test_accuracy = 100.0 * static_cast<double>(correct) / static_cast<double>(test.labels.size());
  const double train_accuracy = 100.0 * static_cast<double>(learned) / (kLast * 128.0);
  MESSAGE("linear classifier on shapes: " << train_accuracy << " % train, " << test_accuracy << " % test");
  CHECK(test_accuracy < 50);
  CHECK(train_accuracy > 11.5);  // chance is 10 %, give or take 0.4: what little there is, it learns
}
