#include "engine/ops/dropout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/check.h"
#include "engine/kernels/table.h"

using namespace fqt;

namespace {

std::vector<float> floats(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

}  // namespace

TEST_CASE("dropout: keeps its share, scaled so that the mean stays, and hands the gradient through the same mask") {
  Parameter x{"x", Tensor::full({100, 131}, 3.0f), {}};
  Tape tape;
  const Var y = ops::dropout(tape, tape.parameter(x), 0.25, {1, 2});
  const std::vector<float> values = floats(y.value());
  const auto dropped = std::count(values.begin(), values.end(), 0.0f);
  // 13,100 draws: the share is known to sqrt(0.25 * 0.75 / 13100) = 0.0038; four times that.
  CHECK(static_cast<double>(dropped) / 13100.0 == doctest::Approx(0.25).epsilon(0.06));
  CHECK(dropped + std::count(values.begin(), values.end(), 4.0f) == 13100);
  tape.backward(tape.record(Tensor::scalar(0), {y}, [](Tensor) {
    return std::vector<Tensor>{Tensor::full({100, 131}, 3.0f)};
  }));
  CHECK(floats(x.grad) == values);
}

TEST_CASE("dropout: element i is decided by word i of the stream, on every instruction set") {
  const Tensor x = Tensor::full({9001}, 1.0f);
  Tape tape(false);
  std::vector<float> expected;
  for (uint64_t i = 0; i < 9001; ++i) {
    const uint32_t word = random_word({7, 8}, i / 2);  // its low half, then its high half
    expected.push_back((i % 2 == 0 ? word & 0xffff : word >> 16) >= 32768 ? 2.0f : 0.0f);
  }
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    kernels::select(isa.name);
    CHECK(floats(ops::dropout(tape, Var(x), 0.5, {7, 8}).value()) == expected);
  }
  kernels::select("");
}

TEST_CASE("dropout: a share of nothing changes nothing, and all is refused") {
  Tape tape(false);
  const Tensor x({3}, std::vector<float>{1, -2, 0.1f});
  CHECK(floats(ops::dropout(tape, Var(x), 0, {1, 1}).value()) == floats(x));
  CHECK_THROWS_AS(ops::dropout(tape, Var(x), 1, {1, 1}), Error);
  CHECK_THROWS_AS(ops::dropout(tape, Var(x), -0.1, {1, 1}), Error);
}
