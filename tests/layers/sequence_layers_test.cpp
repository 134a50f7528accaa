// Layers of sequence models, beside what tests/golden and tests/models hold of them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "engine/check.h"
#include "layers/attention.h"
#include "layers/embedding.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "layers/positions.h"
#include "layers/transformer_block.h"
#include "support/precision_table.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::layers;

namespace {

Tensor forward(Module& module, const Tensor& x, const char* plan = "fp32", bool training = false) {
  const quant::PrecisionTable precision = test::precision_table(plan, module.sites());
  Tape tape(training);
  const quant::Context context{.tape = tape, .precision = precision, .training = training};
  return module.forward(context, Var(x)).value();
}

}  // namespace

TEST_CASE("positions: sines and cosines, by hand") {
  const auto positions = make_positions("sinusoidal", "positions", {.length = 1, .width = 4});
  CHECK(positions->parameters().empty());
  const Tensor y = forward(*positions, Tensor::full({2, 3, 4}, 10));
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < 3; ++t) {
      const double angle = static_cast<double>(t);
      const double expected[] = {std::sin(angle), std::cos(angle), std::sin(angle / 100), std::cos(angle / 100)};
      for (int64_t c = 0; c < 4; ++c)
        CHECK(y.data()[(b * 3 + t) * 4 + c] == doctest::Approx(10 + expected[c]).epsilon(1e-6));
    }
}

TEST_CASE("positions: learned ones are added to every sequence; an unknown kind is refused with those there are") {
  const auto positions = make_positions("learned", "positions", {.length = 5, .width = 2});
  initialize(*positions, 1);
  const Tensor& weight = positions->parameters().at(0)->value;
  const Tensor y = forward(*positions, Tensor::zeros({2, 3, 2}));
  for (int64_t i = 0; i < 12; ++i) CHECK(y.data()[i] == weight.data()[i % 6]);
  try {
    make_positions("rotary", "positions", {});
    FAIL("built");
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.find("[positions] no positions 'rotary'") != std::string::npos);
    for (const PositionKind& kind : position_kinds()) CHECK(text.find(kind.name) != std::string::npos);
  }
}

TEST_CASE("lstm: the running range of the recurrent product moves with every call, evaluation reads it") {
  Lstm lstm("lstm", {.inputs = 3, .hidden = 4});
  initialize(lstm, 1);
  const Tensor x = test::random_tensor({2, 5, 3}, 1, -3, 3);
  CHECK(forward(lstm, x, "U:6", true).shape() == Shape{2, 5, 4});
  CHECK(lstm.buffers().at(1).name == "lstm.hidden.lhs_range");
  const float* range = lstm.buffers().at(1).tensor->data();
  CHECK((range[0] < 0 && range[1] > 0));
  const float low = range[0], high = range[1];
  const Tensor before = forward(lstm, x, "U:6");
  CHECK((range[0] == low && range[1] == high));
  lstm.buffers().at(1).tensor->data()[1] = 100;
  const Tensor after = forward(lstm, x, "U:6");
  CHECK_FALSE(std::equal(before.data(), before.data() + before.size(), after.data()));
}

TEST_CASE("sequence layers: inputs that do not fit are refused by name and shape") {
  Embedding embedding("words", {.words = 5, .width = 3});
  Lstm lstm("lstm", {.inputs = 3, .hidden = 4});
  Attention attention("attention", {.width = 4, .heads = 2});
  const auto message = [](Module& module, const Shape& shape) {
    try {
      forward(module, Tensor::zeros(shape));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(embedding, {4}) == "[embedding] 'words.weight': tokens have shape [4], expected [B, T]");
  CHECK(message(lstm, {2, 3}) == "[lstm] 'lstm': input has shape [2, 3], weight expects [B, T, 3]");
  CHECK(message(attention, {2, 3, 5}) == "[attention] 'attention': input has shape [2, 3, 5], expected [B, T, 4]");
  CHECK_THROWS_WITH_AS(Attention("a", {.width = 4, .heads = 3}), "[attention] 'a': 3 heads do not divide a width of 4",
                       Error);
}

TEST_CASE("starting values: uniform within the bound, as even as the draws allow; the deviation asked for") {
  Linear uniform("u", {.in_features = 100, .out_features = 100, .bias = false, .uniform = 0.1});
  Linear normal("n", {.in_features = 100, .out_features = 100, .bias = false, .standard_deviation = 0.02});
  initialize(uniform, 1);
  initialize(normal, 1);
  double sum = 0, squares = 0, normal_squares = 0;
  for (const float value : uniform.parameters()[0]->value.values()) {
    CHECK((value >= -0.1f && value < 0.1f));
    sum += value;
    squares += double{value} * value;
  }
  for (const float value : normal.parameters()[0]->value.values()) normal_squares += double{value} * value;
  // 10,000 draws: the mean is known to 0.1 / sqrt(3 * 10000) = 0.0006, deviations to about 1 %. Four times that.
  CHECK(std::fabs(sum / 10000) < 0.0024);
  CHECK(std::sqrt(squares / 10000) == doctest::Approx(0.1 / std::sqrt(3)).epsilon(0.03));
  CHECK(std::sqrt(normal_squares / 10000) == doctest::Approx(0.02).epsilon(0.04));
}

TEST_CASE("transformer block: every site has the block's number, every product its name") {
  TransformerBlock block("block3", {.width = 8, .heads = 2, .feed_forward = 16, .block = 4});
  initialize(block, 1);
  for (const quant::Site* site : block.sites()) {
    CHECK(site->block == 4);
    CHECK(site->name.starts_with("block3."));
  }
  CHECK(block.sites().size() == 8);
  CHECK(forward(block, test::random_tensor({2, 5, 8}, 1, -1, 1), "U:6", true).shape() == Shape{2, 5, 8});
}
