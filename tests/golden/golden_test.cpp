// fqt against PyTorch in float32: outputs and gradients of layers and models, training, optimizers. What the files hold
// is said in make_golden.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/ops/loss.h"
#include "engine/optim/adam.h"
#include "engine/optim/clip.h"
#include "engine/optim/sgd.h"
#include "layers/attention.h"
#include "layers/embedding.h"
#include "layers/layer_norm.h"
#include "layers/lstm.h"
#include "models/zoo.h"
#include "support/precision_table.h"
#include "trainer/safetensors.h"

using namespace fqt;

namespace {

constexpr double kTolerance = 1e-4, kTrainedTolerance = 1e-3;
constexpr double kSmoothing = 0.1;

/// The tensors of a case.
class Golden {
 public:
  explicit Golden(const std::string& name) : file_(trainer::read_safetensors(FQT_GOLDEN "/" + name + ".safetensors")) {}

  const Tensor* find(const std::string& name) const {
    for (const trainer::NamedTensor& row : file_.tensors)
      if (row.name == name) return &row.tensor;
    return nullptr;
  }
  const Tensor& at(const std::string& name) const {
    const Tensor* tensor = find(name);
    CAPTURE(name);
    REQUIRE(tensor);
    return *tensor;
  }
  /// Part `index` of a tensor's outermost axis.
  Tensor part(const std::string& name, int64_t index) const {
    const Tensor& all = at(name);
    const Shape shape(all.shape().begin() + 1, all.shape().end());
    const size_t size = static_cast<size_t>(element_count(shape));
    return Tensor(shape, all.values().subspan(static_cast<size_t>(index) * size, size));
  }
  std::vector<int32_t> labels(const Tensor& tensor) const { return {tensor.values().begin(), tensor.values().end()}; }
  size_t count(const std::string& prefix) const {
    return static_cast<size_t>(std::ranges::count_if(
        file_.tensors, [&](const trainer::NamedTensor& row) { return row.name.starts_with(prefix); }));
  }

 private:
  trainer::TensorFile file_;
};

double largest(const Tensor& tensor) {
  double result = 0;
  for (const float value : tensor.values()) result = std::max(result, std::fabs(double{value}));
  return result;
}

/// Every element to `tolerance` of the tensor's largest, or of `floor` where that is more.
void check_close(const std::string& what, const Tensor& actual, const Tensor& expected, double tolerance,
                 double floor = 0) {
  CAPTURE(what);
  REQUIRE(actual.defined());
  REQUIRE(actual.size() == expected.size());
  double worst = 0;
  for (int64_t i = 0; i < actual.size(); ++i) {
    REQUIRE(std::isfinite(actual.data()[i]));
    worst = std::max(worst, std::fabs(double{actual.data()[i]} - expected.data()[i]));
  }
  CHECK(worst <= tolerance * std::max(largest(expected), floor));
}

void load(const Golden& golden, layers::Module& module) {
  const std::vector<Parameter*> parameters = module.parameters();
  CHECK(golden.count("weight.") == parameters.size());
  for (Parameter* parameter : parameters) {
    const Tensor& value = golden.at("weight." + parameter->name);
    CAPTURE(parameter->name);
    REQUIRE(value.shape() == parameter->value.shape());
    parameter->value = value.clone();
  }
}

/// All gradients. Some are 0 but for rounding (of a key's bias: the softmax does not see it), so that all are measured
/// by no less than a thousandth of the largest of them.
void check_gradients(const Golden& golden, layers::Module& module) {
  double scale = 0;
  for (const Parameter* parameter : module.parameters())
    scale = std::max(scale, largest(golden.at("grad." + parameter->name)));
  for (const Parameter* parameter : module.parameters())
    check_close("grad." + parameter->name, parameter->grad, golden.at("grad." + parameter->name), kTolerance,
                1e-3 * scale);
}

struct LayerCase {
  const char* name;
  std::unique_ptr<layers::Module> (*make)();
};

template <typename Layer, typename... Arguments>
std::unique_ptr<layers::Module> layer(const char* name, Arguments... arguments) {
  return std::make_unique<Layer>(name, arguments...);
}

constexpr LayerCase kLayers[] = {
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
