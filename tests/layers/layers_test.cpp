#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/range_norm.h"
#include "support/precision_table.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::layers;

namespace {

/// What a layer is called in, at a plan of its own sites.
struct Step {
  Tape tape;
  quant::PrecisionTable precision;
  quant::Context context;

  Step(Module& module, const char* plan, bool training = true)
      : tape(training),
        precision(test::precision_table(plan, module.sites())),
        context{.tape = tape, .precision = precision, .training = training, .seed = 1, .step = 0} {}
};

/// What a call throws, or "".
template <typename Body>
std::string message(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("linear: x W + b by hand") {
  Linear linear("fc", {.in_features = 2, .out_features = 3});
  const std::vector<Parameter*> parameters = linear.parameters();
  parameters[0]->value = Tensor({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  parameters[1]->value = Tensor({3}, std::vector<float>{0.5f, 0, -1});
  Step step(linear, "fp32");
  const Var y = linear.forward(step.context, Var(Tensor({1, 2}, std::vector<float>{10, 1})));
  // 10 * 1 + 4 + 0.5, 10 * 2 + 5, 10 * 3 + 6 - 1
  CHECK(std::vector<float>(y.value().values().begin(), y.value().values().end()) == std::vector<float>{14.5f, 25, 35});
  step.tape.backward(step.tape.record(Tensor::scalar(0), {y}, [](Tensor) {
    return std::vector<Tensor>{Tensor({1, 3}, std::vector<float>{1, 0, 2})};
  }));
  const auto grad = parameters[0]->grad.values();
  CHECK(std::vector<float>(grad.begin(), grad.end()) == std::vector<float>{10, 0, 20, 1, 0, 2});
  CHECK(parameters[1]->grad.data()[2] == 2);
}

TEST_CASE("linear: without a bias there is one parameter") {
  Linear linear("fc", {.in_features = 2, .out_features = 3, .bias = false});
  CHECK(linear.parameters().size() == 1);
  initialize(linear, 1);
  Step step(linear, "U:8");
  CHECK(linear.forward(step.context, Var(Tensor::full({4, 2}, 1))).shape() == Shape{4, 3});
}

TEST_CASE("linear: inputs that do not fit are refused by name and shape") {
  Linear linear("fc", {.in_features = 4, .out_features = 3});
  Step step(linear, "fp32");
  for (const Shape& shape : {Shape{2, 5}, Shape{4}, Shape{1, 2, 4}, Shape{}}) {
    const std::string text = message([&] { linear.forward(step.context, Var(Tensor::zeros(shape))); });
    CAPTURE(text);
    CHECK(contains(text, "[linear] 'fc'"));
    CHECK(contains(text, to_string(shape).c_str()));
    CHECK(contains(text, "[N, 4]"));
  }
}

TEST_CASE("conv2d: a kernel of one pixel is a linear layer on every pixel, in float32 and on integers") {
  for (const char* plan : {"fp32", "U:6"}) {
    CAPTURE(plan);
    Conv2d conv("same", {.in_channels = 5, .out_channels = 7, .kernel = 1});
    Linear linear("same", {.in_features = 5, .out_features = 7, .bias = false});
    initialize(conv, 1);
    linear.parameters()[0]->value = conv.parameters()[0]->value.reshape({5, 7});
    const Tensor x = test::random_tensor({2, 3, 4, 5}, 1, -1, 1);
    Step one(conv, plan), other(linear, plan);
    const Var images = conv.forward(one.context, Var(x)), rows = linear.forward(other.context, Var(x.reshape({24, 5})));
    CHECK(images.shape() == Shape{2, 3, 4, 7});
    CHECK(std::memcmp(images.value().data(), rows.value().data(), 24 * 7 * sizeof(float)) == 0);
  }
}

TEST_CASE("conv2d: result shapes follow stride and padding") {
  Conv2d strided("a", {.in_channels = 3, .out_channels = 4, .kernel = 3, .stride = 2, .padding = 1});
  initialize(strided, 1);
  Step step(strided, "U:4");
  const Tensor x = test::random_tensor({2, 7, 8, 3}, 1, -1, 1);
  CHECK(strided.forward(step.context, Var(x)).shape() ==
        Shape{2, 4, 4, 4});  // (7 + 2 - 3) / 2 + 1, (8 + 2 - 3) / 2 + 1
  CHECK(strided.parameters()[0]->value.shape() == Shape{3, 3, 3, 4});
}

TEST_CASE("conv2d: inputs that do not fit are refused by name and shape") {
  Conv2d conv("stem", {.in_channels = 3, .out_channels = 4, .kernel = 5, .padding = 1});
  Step step(conv, "fp32");
  for (const Shape& shape : {Shape{2, 8, 8, 4}, Shape{8, 8, 3}, Shape{2, 3}}) {
    const std::string text = message([&] { conv.forward(step.context, Var(Tensor::zeros(shape))); });
    CAPTURE(text);
    CHECK(contains(text, "[conv2d] 'stem'"));
    CHECK(contains(text, to_string(shape).c_str()));
    CHECK(contains(text, "[N, H, W, 3]"));
  }
  // A kernel of 5 on 2 pixels and a border of 1 on each side.
  CHECK(contains(message([&] { conv.forward(step.context, Var(Tensor::zeros({1, 2, 8, 3}))); }), "does not fit"));
  CHECK(contains(message([&] { conv.forward(step.context, Var(Tensor::zeros({0, 8, 8, 3}))); }), "batch 0"));
}

TEST_CASE("norms: a layer's fused forms are its parts one after another") {
  const Tensor x = test::random_tensor({2, 4, 4, 6}, 1, -1, 3), residual = test::random_tensor({2, 4, 4, 6}, 2, -2, 2);
  using quant::Context;
  for (const NormKind& kind : norm_kinds()) {
    CAPTURE(std::string(kind.name));
    const auto run = [&](auto form) {
      const std::unique_ptr<Norm> norm = make_norm(kind.name, "bn", 6);
      initialize(*norm, 1);
      Step step(*norm, "fp32");
      const Tensor y = form(*norm, step.context).value();
      return std::vector<float>(y.values().begin(), y.values().end());
    };
    CHECK(run([&](Norm& norm, const Context& context) { return norm.forward_relu(context, Var(x)); }) ==
          run([&](Norm& norm, const Context& context) {
            return ops::relu(context.tape, norm.forward(context, Var(x)));
          }));
    CHECK(run([&](Norm& norm, const Context& context) {
            return norm.forward_add_relu(context, Var(x), Var(residual));
          }) == run([&](Norm& norm, const Context& context) {
            return ops::relu(context.tape, ops::add(context.tape, norm.forward(context, Var(x)), Var(residual)));
          }));
  }
}

TEST_CASE("norms: parameters and buffers by name") {
  const auto names = [](const char* kind) {
    const std::unique_ptr<Norm> norm = make_norm(kind, "bn", 6);
    std::string names;
    for (const Parameter* parameter : norm->parameters()) names += parameter->name + " ";
    for (const NamedBuffer& buffer : norm->buffers()) {
      names += buffer.name + " ";
      CHECK(buffer.tensor->shape() == Shape{6});
    }
    return names;
  };
  CHECK(names("batch") == "bn.gamma bn.beta bn.running_mean bn.running_var ");
  CHECK(names("range") == "bn.gamma bn.beta bn.running_mean bn.running_range ");
}

TEST_CASE("norms: an unknown kind is refused with those there are") {
  const std::string text = message([] { make_norm("Batch", "bn", 6); });
  CHECK(contains(text, "[norm] no norm 'Batch'"));
  for (const NormKind& kind : norm_kinds()) CHECK(contains(text, std::string(kind.name).c_str()));
}

TEST_CASE("batch norm: training moves the running statistics, evaluation reads them") {
  BatchNorm norm("bn", 1);
  initialize(norm, 1);
  const Tensor x({4, 1}, std::vector<float>{1, 3, 5, 7});  // mean 4, variance 5, unbiased 20/3
  Step training(norm, "fp32"), evaluation(norm, "fp32", false);
  // Before training: mean 0, variance 1.
  CHECK(norm.forward(evaluation.context, Var(x)).value().data()[3] == doctest::Approx(7 / std::sqrt(1 + 1e-5)));
  CHECK(norm.forward(training.context, Var(x)).value().data()[3] == doctest::Approx(3 / std::sqrt(5 + 1e-5)));
  const std::vector<NamedBuffer> buffers = norm.buffers();
  CHECK(buffers[0].tensor->item() == doctest::Approx(0.4));
  CHECK(buffers[1].tensor->item() == doctest::Approx(0.9 + 0.1 * 20 / 3));
  norm.forward(evaluation.context, Var(x));
  CHECK(buffers[0].tensor->item() == doctest::Approx(0.4));
}

TEST_CASE("batch norm: inputs that do not fit are refused") {
  BatchNorm norm("bn", 3);
  Step step(norm, "fp32");
  CHECK(contains(message([&] { norm.forward(step.context, Var(Tensor::zeros({4, 2}))); }), "[batch_norm]"));
  CHECK(contains(message([&] { norm.forward(step.context, Var(Tensor::zeros({1, 3}))); }), "[batch_norm]"));
}

TEST_CASE("range norm: training moves the running statistics, evaluation reads them") {
  RangeNorm norm("bn", 1);
  initialize(norm, 1);
  Tensor x({32, 1});
  for (int64_t r = 0; r < 32; ++r) x.data()[r] = r % 2 == 0 ? 1.0f : 5.0f;
  // 16 chunks 1, 5: mean 3, range 4, and C(2) = 0.458811.
  const double deviation = 4 * 0.458811;
  Step training(norm, "fp32"), evaluation(norm, "fp32", false);
  // Before training: mean 0, range 1.
  CHECK(norm.forward(evaluation.context, Var(x)).value().data()[1] == doctest::Approx(5 / (1 + 1e-5)));
  CHECK(norm.forward(training.context, Var(x)).value().data()[1] == doctest::Approx(2 / (deviation + 1e-5)));
  const std::vector<NamedBuffer> buffers = norm.buffers();
  CHECK(buffers[0].tensor->item() == doctest::Approx(0.1 * 3));
  CHECK(buffers[1].tensor->item() == doctest::Approx(0.9 + 0.1 * deviation));
  CHECK(norm.forward(evaluation.context, Var(x)).value().data()[1] ==
        doctest::Approx((5 - 0.3) / (0.9 + 0.1 * deviation + 1e-5)));
  CHECK(buffers[0].tensor->item() == doctest::Approx(0.1 * 3));
}

TEST_CASE("range norm: inputs that do not fit are refused") {
  RangeNorm norm("bn", 3);
  Step step(norm, "fp32");
  CHECK(contains(message([&] { norm.forward(step.context, Var(Tensor::zeros({32, 2}))); }), "[range_norm]"));
  CHECK(contains(message([&] { norm.forward(step.context, Var(Tensor::zeros({31, 3}))); }), "at least 32"));
}
