// fqt against PyTorch in float32: outputs and gradients of layers and models, training, optimizers. What the files hold
// is said in make_golden.py.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "engine/optim/sgd.h"
#include "golden/golden.h"
#include "layers/attention.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/embedding.h"
#include "layers/layer_norm.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "models/zoo.h"
#include "support/precision_table.h"

using namespace fqt;
using namespace fqt::test;

namespace {

constexpr double kSmoothing = 0.1;

struct LayerCase {
  const char* name;
  std::unique_ptr<layers::Module> (*make)();
};

template <typename Layer, typename... Arguments>
std::unique_ptr<layers::Module> layer(const char* name, Arguments... arguments) {
  return std::make_unique<Layer>(name, arguments...);
}

/// An operation without parameters, as a layer.
class Operation : public layers::Module {
 public:
  using Function = Var (*)(Tape& tape, const Var& x);
  explicit Operation(Function function) : function_(function) {}
  Var forward(const quant::Context& context, const Var& x) override { return function_(context.tape, x); }

 private:
  Function function_;
};

std::unique_ptr<layers::Module> operation(Operation::Function function) {
  return std::make_unique<Operation>(function);
}

std::unique_ptr<layers::Module> convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                                            int64_t groups = 1) {
  return layer<layers::Conv2d>("conv", layers::Conv2dOptions{in, out, kernel, stride, kernel / 2, groups});
}

constexpr LayerCase kLayers[] = {
    {"conv_3x3", [] { return convolution(3, 4, 3, 1); }},
    {"conv_3x3_stride_2", [] { return convolution(3, 4, 3, 2); }},
    {"conv_1x1", [] { return convolution(3, 5, 1, 1); }},
    {"conv_7x7_stride_2", [] { return convolution(1, 3, 7, 2); }},
    {"conv_grouped", [] { return convolution(4, 6, 3, 1, 2); }},
    {"conv_depthwise", [] { return convolution(4, 4, 3, 2, 4); }},
    {"fully_connected",
     [] {
       return layer<layers::Linear>("fc", layers::LinearOptions{9, 7});
     }},
    {"max_pool", [] { return operation([](Tape& tape, const Var& x) { return ops::max_pool(tape, x, 3, 2, 1); }); }},
    {"global_avg_pool", [] { return operation(ops::global_avg_pool); }},
    {"relu6", [] { return operation(ops::relu6); }},
    {"upsample", [] { return operation([](Tape& tape, const Var& x) { return ops::upsample(tape, x, 2); }); }},
    {"layer_norm", [] { return layer<layers::LayerNorm>("norm", 24); }},
    {"embedding",
     [] {
       return layer<layers::Embedding>("embedding", layers::EmbeddingOptions{9, 5, 0, 0});
     }},
    {"lstm_layer",
     [] {
       return layer<layers::Lstm>("lstm", layers::LstmOptions{6, 8, 0});
     }},
    {"causal_attention",
     [] {
       return layer<layers::Attention>("attention", layers::AttentionOptions{12, 3});
     }},
};

models::ModelOptions language_model(const char* positions = "learned", const char* activation = "relu") {
  models::ModelOptions options;
  options.classes = 11;
  options.sequence = 6;
  options.hidden = std::string_view(positions).empty() ? 8 : 12;
  options.depth = 2;
  options.heads = 3;
  options.feed_forward = 16;
  options.positions = positions;
  options.activation = activation;
  return options;
}

struct ModelCase {
  const char* name;
  const char* model;
  models::ModelOptions (*options)();
};

constexpr ModelCase kModels[] = {
    {"lstm_lm", "lstm_lm", [] { return language_model(""); }},
    {"transformer_lm", "transformer_lm", [] { return language_model(); }},
    {"transformer_lm_sinusoidal", "transformer_lm", [] { return language_model("sinusoidal", "gelu"); }},
};

struct BatchNormCase {
  const char* name;
  bool training;
  Var (*apply)(layers::BatchNorm& norm, const quant::Context& context, const Var& x, const Var& residual);
};

Var plain(layers::BatchNorm& norm, const quant::Context& context, const Var& x, const Var&) {
  return norm.forward(context, x);
}
Var with_relu(layers::BatchNorm& norm, const quant::Context& context, const Var& x, const Var&) {
  return norm.forward_relu(context, x);
}
Var with_add_relu(layers::BatchNorm& norm, const quant::Context& context, const Var& x, const Var& residual) {
  return norm.forward_add_relu(context, x, residual);
}

constexpr BatchNormCase kBatchNorms[] = {
    {"batch_norm", true, plain},
    {"batch_norm_relu", true, with_relu},
    {"batch_norm_add_relu", true, with_add_relu},
    {"batch_norm_evaluated", false, plain},
    {"batch_norm_add_relu_evaluated", false, with_add_relu},
};

struct OptimizerCase {
  const char* name;
  std::unique_ptr<optim::Optimizer> (*make)(Parameter& w);
  double clip;  ///< largest norm of the gradient; 0: any
};

std::unique_ptr<optim::Optimizer> make_adam(Parameter& w, bool decoupled) {
  optim::AdamOptions options{0.8, 0.98, 1e-6, 0.01, decoupled};
  return std::make_unique<optim::Adam>(std::vector{&w}, options);
}

std::unique_ptr<optim::Optimizer> make_sgd(Parameter& w, double weight_decay) {
  return std::make_unique<optim::Sgd>(std::vector{&w}, optim::SgdOptions{0.9, weight_decay});
}

constexpr OptimizerCase kOptimizers[] = {
    {"sgd", [](Parameter& w) { return make_sgd(w, 0.01); }, 0},
    {"sgd_clipped", [](Parameter& w) { return make_sgd(w, 0); }, 2},
    {"adam", [](Parameter& w) { return make_adam(w, false); }, 0},
    {"adamw", [](Parameter& w) { return make_adam(w, true); }, 0},
};

}  // namespace

TEST_CASE("PyTorch: layers") {
  for (const LayerCase& row : kLayers) {
    CAPTURE(row.name);
    const Golden golden(row.name);
    const std::unique_ptr<layers::Module> module = row.make();
    load(golden, *module);
    const quant::PrecisionTable precision = test::precision_table("fp32", module->sites());
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision};
    Parameter x{"x", golden.at("x").clone(), {}};
    const Tensor* grad_x = golden.find("grad_x");
    const Var y = module->forward(context, grad_x ? tape.parameter(x) : Var(x.value));
    check_close("y", y.value(), golden.at("y"), kTolerance);
    const Tensor dy = golden.at("dy").reshape(y.shape());
    tape.backward(tape.record(Tensor::scalar(0), {y}, [&](Tensor) { return std::vector<Tensor>{dy.clone()}; }));
    if (grad_x) check_close("grad_x", x.grad, *grad_x, kTolerance);
    check_gradients(golden, *module);
  }
}

// The running variance takes the batch's unbiased variance, as PyTorch's does: of these 24 values a channel it is 4 %
// more than the biased one that normalizes.
TEST_CASE("PyTorch: batch norm, and its running statistics") {
  for (const BatchNormCase& row : kBatchNorms) {
    CAPTURE(row.name);
    const Golden golden(row.name);
    layers::BatchNorm norm("norm", 3);
    load(golden, norm);
    for (const layers::NamedBuffer& buffer : norm.buffers())
      *buffer.tensor = golden.at("before." + buffer.name).clone();
    const quant::PrecisionTable precision;
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision, .training = row.training};
    Parameter x{"x", golden.at("x").clone(), {}}, residual{"residual", golden.at("residual").clone(), {}};
    const Var y = row.apply(norm, context, tape.parameter(x), tape.parameter(residual));
    check_close("y", y.value(), golden.at("y"), kTolerance);
    tape.backward(
        tape.record(Tensor::scalar(0), {y}, [&](Tensor) { return std::vector<Tensor>{golden.at("dy").clone()}; }));
    check_close("grad_x", x.grad, golden.at("grad_x"), kTolerance);
    const Tensor* grad_residual = golden.find("grad_residual");
    REQUIRE(residual.grad.defined() == (grad_residual != nullptr));
    if (grad_residual) check_close("grad_residual", residual.grad, *grad_residual, kTolerance);
    check_gradients(golden, norm);
    for (const layers::NamedBuffer& buffer : norm.buffers())
      check_close("after." + buffer.name, *buffer.tensor, golden.at("after." + buffer.name), kTolerance);
  }
}

TEST_CASE("PyTorch: cross entropy with smoothed labels") {
  const Golden golden("cross_entropy");
  Parameter x{"x", golden.at("x").clone(), {}};
  Tape tape;
  const Var y = ops::cross_entropy(tape, tape.parameter(x), golden.labels(golden.at("labels")), kSmoothing);
  check_close("y", y.value(), golden.at("y"), kTolerance);
  tape.backward(y);
  check_close("grad_x", x.grad, golden.at("grad_x"), kTolerance);
}

TEST_CASE("PyTorch: models, and five steps of their training") {
  for (const ModelCase& row : kModels) {
    CAPTURE(row.name);
    const Golden golden(row.name);
    const std::unique_ptr<layers::Module> model = models::build_model(row.model, row.options());
    load(golden, *model);
    const quant::PrecisionTable precision = test::precision_table("fp32", model->sites());
    optim::Adam optimizer(model->parameters(), {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-3});
    const Tensor& losses = golden.at("losses");
    for (int64_t step = 0; step < losses.size(); ++step) {
      CAPTURE(step);
      Tape tape;
      const quant::Context context{.tape = tape, .precision = precision, .step = static_cast<uint64_t>(step)};
      const Var logits = model->forward(context, Var(golden.part("x", step)));
      const Var loss = ops::cross_entropy(tape, logits, golden.labels(golden.part("labels", step)), kSmoothing);
      CHECK(loss.value().item() == doctest::Approx(losses.data()[step]).epsilon(kTrainedTolerance));
      optimizer.zero_grad();
      tape.backward(loss);
      if (step == 0) {
        check_close("y", logits.value(), golden.at("y"), kTolerance);
        check_gradients(golden, *model);
      }
      optimizer.step(0.01);
    }
    for (const Parameter* parameter : model->parameters())
      check_close("after." + parameter->name, parameter->value, golden.at("after." + parameter->name),
                  kTrainedTolerance);
  }
}

TEST_CASE("PyTorch: optimizers") {
  for (const OptimizerCase& row : kOptimizers) {
    CAPTURE(row.name);
    const Golden golden(row.name);
    Parameter w{"w", golden.at("weight.w").clone(), {}};
    const std::unique_ptr<optim::Optimizer> optimizer = row.make(w);
    for (int64_t step = 0; step < golden.at("x").dim(0); ++step) {
      w.grad = golden.part("x", step);
      if (row.clip > 0) optim::clip_gradients({&w}, row.clip);
      optimizer->step(0.05);
    }
    check_close("after", w.value, golden.at("after.w"), kTolerance);
  }
}
