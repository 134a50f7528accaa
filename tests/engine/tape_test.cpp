#include "engine/autograd/tape.h"

#include <doctest/doctest.h>

#include <utility>

#include "engine/check.h"
#include "engine/ops/elementwise.h"

using namespace fqt;

namespace {

/// factor * x, summed to one value.
Var weighted_sum(Tape& tape, const Var& x, float factor) {
  float sum = 0;
  for (const float value : x.value().values()) sum += factor * value;
  return tape.record(Tensor::scalar(sum), {x}, [shape = x.shape(), factor](Tensor grad) {
    return std::vector<Tensor>{Tensor::full(shape, factor * grad.item())};
  });
}

Parameter parameter(float value) { return {"p", Tensor::full({2}, value), {}}; }

}  // namespace

TEST_CASE("tape: a value used twice gets the sum of its gradients") {
  Parameter p = parameter(3);
  Tape tape;
  const Var x = tape.parameter(p);
  tape.backward(weighted_sum(tape, ops::add(tape, ops::add(tape, x, x), x), 5));
  CHECK(p.grad.data()[0] == 15);
  CHECK(p.grad.data()[1] == 15);
}

TEST_CASE("tape: a parameter entered twice, and a second tape, add to the same gradient") {
  Parameter p = parameter(3);
  for (int pass = 1; pass <= 2; ++pass) {
    Tape tape;
    tape.backward(weighted_sum(tape, ops::add(tape, tape.parameter(p), tape.parameter(p)), 1));
    CHECK(p.grad.data()[0] == 2 * static_cast<float>(pass));
  }
  p.zero_grad();
  CHECK_FALSE(p.grad.defined());
}

TEST_CASE("tape: gradients that share storage do not corrupt each other") {
  // add hands one tensor to both inputs. q's is added to in place by its second use, and relu writes over what it is
  // given: p's must not change.
  Parameter p = parameter(1), q = parameter(-1);
  Tape tape;
  const Var a = tape.parameter(p), b = tape.parameter(q);
  const Var hidden = ops::relu(tape, b);
  const Var sum = ops::add(tape, a, hidden);
  tape.backward(weighted_sum(tape, ops::add(tape, sum, b), 7));
  CHECK(p.grad.data()[0] == 7);
  CHECK(q.grad.data()[0] == 7);  // nothing through the relu, 7 past it

  // The same with the accumulated gradients of parameters: the next pass adds to one of them alone.
  Parameter r = parameter(1), s = parameter(1);
  Tape second;
  second.backward(weighted_sum(second, ops::add(second, second.parameter(r), second.parameter(s)), 1));
  Tape third;
  third.backward(weighted_sum(third, third.parameter(r), 10));
  CHECK(r.grad.data()[0] == 11);
  CHECK(s.grad.data()[0] == 1);
}

TEST_CASE("tape: constants are not recorded, and evaluation records nothing") {
  Parameter p = parameter(1);
  Tape tape;
  const Var constant(Tensor::full({2}, 4));
  const Var sum = ops::add(tape, constant, constant);
  CHECK_FALSE(sum.needs_grad());
  CHECK(tape.size() == 0);
  const Var x = tape.parameter(p);
  CHECK(tape.size() == 1);
  tape.backward(weighted_sum(tape, ops::add(tape, sum, x), 2));
  CHECK(p.grad.data()[0] == 2);

  Tape evaluation(false);
  CHECK_FALSE(ops::add(evaluation, evaluation.parameter(p), constant).needs_grad());
  CHECK(evaluation.size() == 0);
}

TEST_CASE("tape: what the loss does not depend on gets no gradient") {
  Parameter p = parameter(1), q = parameter(1);
  Tape tape;
  const Var x = tape.parameter(p), unused = ops::relu(tape, tape.parameter(q));
  tape.backward(weighted_sum(tape, x, 1));
  CHECK(p.grad.defined());
  CHECK_FALSE(q.grad.defined());
}

TEST_CASE("tape: gradients kept from it are collected after those that would have given them") {
  for (const bool keep : {false, true}) {
    Parameter p = parameter(3);
    Tape tape;
    float kept = 0;
    int collected = 0;
    const Var x = tape.collect(tape.parameter(p), [&](Tensor returned) {
      ++collected;
      CHECK(returned.defined() != keep);
      return keep ? Tensor::full({2}, kept) : returned;
    });
    CHECK(x.value().data()[0] == 3);
    const auto use = [&](float factor) {
      return tape.record(Tensor::full({2}, 0), {x}, [&, factor](Tensor grad) -> std::vector<Tensor> {
        if (!keep) return {Tensor::full({2}, factor * grad.data()[0])};
        CHECK(collected == 0);
        kept += factor * grad.data()[0];
        return {Tensor()};
      });
    };
    const Var first = use(2), second = use(5);
    tape.backward(weighted_sum(tape, ops::add(tape, first, second), 10));
    CHECK(collected == 1);
    CHECK(p.grad.data()[0] == 70);
  }
  // Nobody used it, or nobody kept anything: no gradient.
  Parameter p = parameter(1), q = parameter(1);
  Tape tape;
  tape.collect(tape.parameter(q), [](Tensor returned) { return returned; });
  tape.backward(weighted_sum(tape, tape.parameter(p), 1));
  CHECK_FALSE(q.grad.defined());
  Tape evaluation(false);
  CHECK_FALSE(evaluation.collect(evaluation.parameter(p), [](Tensor returned) { return returned; }).needs_grad());
}

TEST_CASE("tape: goes backward once, from one value that depends on a parameter") {
  Parameter p = parameter(1);
  Tape tape;
  const Var x = tape.parameter(p);
  const Var loss = weighted_sum(tape, x, 1);
  tape.backward(loss);
  CHECK_THROWS_WITH_AS(tape.backward(loss), "[backward] this tape has already been replayed", Error);
  CHECK_THROWS_WITH_AS(tape.backward(x), "[backward] the loss has shape [2], expected one value", Error);
  CHECK_THROWS_AS(tape.backward(Var(Tensor::scalar(1))), Error);
}

TEST_CASE("tape: gradients of the wrong number or shape are caught") {
  Parameter p = parameter(1);
  const auto backward = [&](std::vector<Tensor> grads) {
    Tape tape;
    tape.backward(tape.record(Tensor::scalar(0), {tape.parameter(p)}, [&](Tensor) { return grads; }));
  };
  CHECK_THROWS_WITH_AS(backward({Tensor::zeros({3})}), "[backward] a gradient has shape [3], expected [2]", Error);
  CHECK_THROWS_AS(backward({}), Error);
  CHECK_THROWS_AS(backward({Tensor()}), Error);
}

namespace {

/// factor * x, whose gradient function adds to what has reached x where it is given that.
Var adding_times(Tape& tape, const Var& x, float factor, int& added) {
  Tensor y = x.value().clone();
  for (float& value : y.values()) value *= factor;
  return tape.record_adding(std::move(y), {x}, [factor, &added](Tensor grad, Tensor& sum) {
    if (!sum.defined()) {
      Tensor result = grad.clone();
      for (float& value : result.values()) value *= factor;
      return std::vector<Tensor>{std::move(result)};
    }
    ++added;
    for (int64_t i = 0; i < sum.size(); ++i) sum.data()[i] += factor * std::as_const(grad).data()[i];
    return std::vector<Tensor>{std::exchange(sum, Tensor())};
  });
}

}  // namespace

TEST_CASE("tape: a gradient function may add to what has reached its first input, if nobody else looks at it") {
  Parameter p = parameter(3);
  int added = 0;
  {
    Tape tape;
    const Var x = ops::relu(tape, tape.parameter(p));
    // The last use comes first on the way back: nothing has reached x then.
    const Var sum = ops::add(tape, adding_times(tape, x, 2, added), adding_times(tape, x, 5, added));
    tape.backward(weighted_sum(tape, sum, 1));
    CHECK(p.grad.data()[0] == 7);
    CHECK(added == 1);
  }
  p.zero_grad();
  {
    // What has reached x is what has reached q: add hands one tensor to both.
    Parameter q = parameter(1);
    Tape tape;
    const Var x = ops::relu(tape, tape.parameter(p));
    const Var times = adding_times(tape, x, 2, added);
    tape.backward(weighted_sum(tape, ops::add(tape, times, ops::add(tape, x, tape.parameter(q))), 1));
    CHECK(p.grad.data()[0] == 3);
    CHECK(q.grad.data()[0] == 1);
  }
  {
    Tape tape;  // the first input is a constant
    const Var constant(Tensor::full({2}, 4));
    Parameter q = parameter(1);
    const Var y = tape.record_adding(Tensor::full({2}, 0), {constant, tape.parameter(q)}, [](Tensor grad, Tensor& sum) {
      CHECK_FALSE(sum.defined());
      return std::vector<Tensor>{Tensor(), std::move(grad)};
    });
    tape.backward(weighted_sum(tape, y, 6));
    CHECK(q.grad.data()[0] == 6);
  }
}
