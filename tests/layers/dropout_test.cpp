#include "layers/dropout.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/check.h"

using namespace fqt;

namespace {

std::vector<float> run(const char* name, uint64_t seed, uint64_t step, bool training = true, double p = 0.5) {
  layers::Dropout dropout(name, p);
  Tape tape(false);
  const quant::PrecisionTable none;
  const quant::Context context{.tape = tape, .precision = none, .training = training, .seed = seed, .step = step};
  const Tensor y = dropout.forward(context, Var(Tensor::full({64}, 1.0f))).value();
  return {y.values().begin(), y.values().end()};
}

}  // namespace

TEST_CASE("dropout: the mask follows the seed, the step and the name; evaluation drops nothing") {
  const std::vector<float> one(64, 1.0f), mask = run("a", 1, 1);
  CHECK(mask == run("a", 1, 1));
  CHECK(mask != run("b", 1, 1));
  CHECK(mask != run("a", 2, 1));
  CHECK(mask != run("a", 1, 2));
  CHECK(mask != one);
  CHECK(run("a", 1, 1, false) == one);
  CHECK(run("a", 1, 1, true, 0) == one);
  CHECK_THROWS_WITH_AS(layers::Dropout("a", 1.5),
                       "[dropout] 'a' shall drop a share of 1.5; give at least 0 and less than 1", Error);
}
