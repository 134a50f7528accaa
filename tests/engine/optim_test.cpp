#include <doctest/doctest.h>

#include <string>

#include "engine/check.h"
#include "engine/optim/schedule.h"
#include "engine/optim/sgd.h"

using namespace fqt;
using namespace fqt::optim;

TEST_CASE("sgd: two steps by hand") {
  Parameter w{"w", Tensor({1}, std::vector<float>{2}), {}}, still{"still", Tensor({1}, std::vector<float>{3}), {}};
  Sgd sgd({&w, &still}, {.momentum = 0.5, .weight_decay = 0.25});
  w.grad = Tensor({1}, std::vector<float>{1});
  sgd.step(0.5);
  // g = 1 + 0.25 * 2 = 1.5; v = 1.5; w = 2 - 0.5 * 1.5
  CHECK(sgd.velocity()[0].item() == 1.5f);
  CHECK(w.value.item() == 1.25f);
  sgd.step(0.25);
  // g = 1 + 0.25 * 1.25 = 1.3125; v = 0.75 + 1.3125 = 2.0625; w = 1.25 - 0.515625
  CHECK(sgd.velocity()[0].item() == 2.0625f);
  CHECK(w.value.item() == 0.734375f);
  // Without a gradient not even the weight decay applies.
  CHECK(still.value.item() == 3);
  sgd.zero_grad();
  CHECK_FALSE(w.grad.defined());
  sgd.step(0.25);
  CHECK(w.value.item() == 0.734375f);
}

TEST_CASE("sgd: a gradient of another shape is an error") {
  Parameter w{"layer.weight", Tensor::zeros({2}), Tensor::zeros({3})};
  Sgd sgd({&w}, {});
  CHECK_THROWS_WITH_AS(sgd.step(0.1), "[sgd] layer.weight has shape [3], expected [2]", Error);
}

TEST_CASE("schedule: by hand") {
  const ScheduleOptions options{.learning_rate = 0.1, .total_steps = 64000};
  const auto rate = [&](const char* name, int64_t step) { return find_schedule(name).learning_rate(options, step); };
  CHECK(rate("constant", 63999) == 0.1);
  CHECK(rate("step", 0) == 0.1);
  CHECK(rate("step", 31999) == 0.1);
  CHECK(rate("step", 32000) == doctest::Approx(0.01));
  CHECK(rate("step", 47999) == doctest::Approx(0.01));
  CHECK(rate("step", 48000) == doctest::Approx(0.001));
  CHECK(rate("cosine", 0) == 0.1);
  CHECK(rate("cosine", 32000) == 0.05);  // half-way: cos(pi / 2) is exactly 0
  CHECK(rate("cosine", 16000) == doctest::Approx(0.1 * (0.5 + 0.25 * 1.4142135623730951)));
  CHECK(rate("cosine", 64000) == 0);
  CHECK(rate("cosine", 70000) == 0);
}

TEST_CASE("schedule: rates fall or stay, in every schedule") {
  const ScheduleOptions options{.learning_rate = 0.5, .total_steps = 100};
  for (const Schedule& schedule : schedules()) {
    CAPTURE(std::string(schedule.name));
    for (int64_t step = 1; step <= 100; ++step)
      CHECK(schedule.learning_rate(options, step) <= schedule.learning_rate(options, step - 1));
  }
}

TEST_CASE("schedule: an unknown name lists the known ones") {
  CHECK_THROWS_WITH_AS(find_schedule("linear"), "[schedule] no schedule 'linear'; known: constant, step, cosine",
                       Error);
}
