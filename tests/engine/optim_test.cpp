#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "engine/optim/schedule.h"
#include "engine/optim/sgd.h"
#include "engine/parallel.h"
#include "engine/random.h"

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

TEST_CASE("schedule: warm-up and inverse square root, by hand") {
  const ScheduleOptions options{.learning_rate = 0.5, .warmup = 4};
  const auto rate = [&](int64_t step) { return find_schedule("inverse_sqrt").learning_rate(options, step); };
  CHECK(rate(0) == 0.125);
  CHECK(rate(2) == 0.375);
  CHECK(rate(3) == 0.5);    // step 4: the top
  CHECK(rate(15) == 0.25);  // sqrt(4 / 16)
  CHECK(rate(399) == doctest::Approx(0.05));
  CHECK(find_schedule("inverse_sqrt").learning_rate({.learning_rate = 0.5, .warmup = 0}, 3) == 0.25);
}

TEST_CASE("adam: two steps by hand") {
  Parameter w{"w", Tensor({1}, std::vector<float>{2}), {}}, still{"still", Tensor({1}, std::vector<float>{3}), {}};
  Adam adam({&w, &still}, {.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.25, .weight_decay = 0.5});
  w.grad = Tensor({1}, std::vector<float>{3});
  adam.step(0.5);
  // g = 3 + 0.5 * 2 = 4; m = 2, v = 4; m / (1 - 0.5) = 4, sqrt(v / (1 - 0.75)) = 4; w = 2 - 0.5 * 4 / 4.25
  CHECK(w.value.item() == doctest::Approx(2 - 2 / 4.25).epsilon(1e-6));
  const double before = w.value.item();
  adam.step(0.25);
  const double g = 3 + 0.5 * before, m = 1 + 0.5 * g, v = 3 + 0.25 * g * g;
  const double expected = before - 0.25 * (m / 0.75) / (std::sqrt(v / (1 - 0.5625)) + 0.25);
  CHECK(w.value.item() == doctest::Approx(expected).epsilon(1e-6));
  CHECK(still.value.item() == 3);
  const std::vector<NamedTensor> state = adam.state();
  REQUIRE(state.size() == 5);
  CHECK(state[0].name == "adam.steps");
  CHECK(state[0].tensor->item() == 2);
  CHECK(state[1].name == "w.first_moment");
  CHECK(state[1].tensor->item() == doctest::Approx(m).epsilon(1e-6));
  CHECK(state[2].name == "w.second_moment");
  CHECK(state[2].tensor->item() == doctest::Approx(v).epsilon(1e-6));
}

TEST_CASE("adam: decoupled weight decay leaves the moments alone") {
  Parameter w{"w", Tensor({1}, std::vector<float>{2}), {}};
  Adam adam({&w}, {.beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.25, .weight_decay = 0.5, .decoupled = true});
  w.grad = Tensor({1}, std::vector<float>{4});
  adam.step(0.5);
  CHECK(w.value.item() == doctest::Approx(2 * 0.75 - 2 / 4.25).epsilon(1e-6));
  CHECK(adam.state()[1].tensor->item() == 2);
}

TEST_CASE("optimizers: every row trains, and goes on from its state as if it had not stopped") {
  for (const OptimizerKind& kind : optimizers()) {
    CAPTURE(std::string(kind.name));
    const auto gradient = [](int step) {
      return Tensor({2}, std::vector<float>{1.0f + 0.5f * static_cast<float>(step), -2});
    };
    Parameter one{"w", Tensor::full({2}, 1), {}}, other{"w", Tensor::full({2}, 1), {}};
    const std::unique_ptr<Optimizer> whole = find_optimizer(kind.name).make({&one}, {});
    std::unique_ptr<Optimizer> first = kind.make({&other}, {}), second = kind.make({&other}, {});
    for (int step = 0; step < 4; ++step) {
      one.grad = gradient(step);
      whole->step(0.1);
      if (step == 2) {
        const std::vector<NamedTensor> from = first->state(), to = second->state();
        REQUIRE(from.size() == to.size());
        for (size_t i = 0; i < from.size(); ++i) {
          CHECK(from[i].name == to[i].name);
          *to[i].tensor = from[i].tensor->clone();
        }
        first = std::move(second);
      }
      other.grad = gradient(step);
      first->step(0.1);
    }
    CHECK(one.value.data()[0] < 1);
    CHECK(one.value.data()[1] > 1);
    for (int i = 0; i < 2; ++i) CHECK(one.value.data()[i] == other.value.data()[i]);
    whole->zero_grad();
    CHECK_FALSE(one.grad.defined());
  }
  CHECK_THROWS_WITH_AS(find_optimizer("lion"), "[optimizer] no optimizer 'lion'; known: sgd, adam, adamw", Error);
}

TEST_CASE("optimizers: the same bits on every instruction set and number of threads") {
  for (const OptimizerKind& kind : optimizers()) {
    std::vector<float> expected;
    const int before = threads();
    for (const kernels::Isa& isa : kernels::all_isas())
      for (const int count : {1, 2}) {
        if (!isa.supported()) continue;
        kernels::select(isa.name);
        set_threads(count);
        Parameter w{"w", Tensor({40001}), Tensor({40001})};
        fill_normal({1, 1}, 1, w.value.values());
        fill_normal({1, 2}, 1, w.grad.values());
        const std::unique_ptr<Optimizer> optimizer = kind.make({&w}, {});
        const double norm = clip_gradients({&w}, 10);
        CHECK(norm == doctest::Approx(std::sqrt(40001)).epsilon(0.02));
        for (int step = 0; step < 3; ++step) optimizer->step(0.01);
        const std::vector<float> all(w.value.values().begin(), w.value.values().end());
        if (expected.empty()) expected = all;
        CHECK(all == expected);
      }
    set_threads(before);
    kernels::select("");
  }
}

TEST_CASE("clip_gradients: scales a norm that is too large, over all parameters together") {
  Parameter a{"a", Tensor::zeros({2}), Tensor({2}, std::vector<float>{3, 0})}, still{"still", Tensor::zeros({2}), {}};
  Parameter b{"b", Tensor::zeros({1}), Tensor({1}, std::vector<float>{4})};
  const Tensor shared = a.grad;
  CHECK(clip_gradients({&a, &still, &b}, 6) == 5);
  CHECK(a.grad.data()[0] == 3);
  CHECK(clip_gradients({&a, &still, &b}, 1) == 5);
  CHECK(a.grad.data()[0] == doctest::Approx(0.6).epsilon(1e-6));
  CHECK(b.grad.data()[0] == doctest::Approx(0.8).epsilon(1e-6));
  CHECK(shared.data()[0] == 3);  // what others look at stays
  b.grad.data()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(clip_gradients({&a, &b}, 1), Error);
}

TEST_CASE("schedule: rates fall or stay, in every schedule, after its warm-up") {
  const ScheduleOptions options{.learning_rate = 0.5, .total_steps = 100, .warmup = 1};
  for (const Schedule& schedule : schedules()) {
    CAPTURE(std::string(schedule.name));
    for (int64_t step = 1; step <= 100; ++step)
      CHECK(schedule.learning_rate(options, step) <= schedule.learning_rate(options, step - 1));
  }
}

TEST_CASE("schedule: an unknown name lists the known ones") {
  CHECK_THROWS_WITH_AS(find_schedule("linear"),
                       "[schedule] no schedule 'linear'; known: constant, step, cosine, inverse_sqrt", Error);
}
