// fqt's image models against PyTorch: logits, all gradients, five steps of training, evaluation by running statistics.
// How weights are made on both sides, and what the files hold, is said in image_models.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "golden/golden.h"
#include "models/zoo.h"
#include "support/precision_table.h"

using namespace fqt;
using namespace fqt::test;

namespace {

constexpr double kLearningRate = 0.005;
constexpr optim::SgdOptions kOptimizer{.momentum = 0.9, .weight_decay = 5e-4};

/// A hash of 32 bits (C. Wellons, "Prospecting for hash functions", 2018: lowbias32).
uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

/// Element `index` of a stream.
uint32_t hash(size_t stream, int64_t index) {
  return mix(static_cast<uint32_t>(index) + mix(static_cast<uint32_t>(stream)));
}

/// offset + scale * unit, the unit being a multiple of 2^-20 in [-1, 1).
void fill(Tensor& tensor, size_t stream, float offset, float scale) {
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const float unit = (static_cast<float>(hash(stream, i) >> 11) - 0x1p20f) * 0x1p-20f;
    tensor.data()[i] = offset + scale * unit;
  }
}

/// What a file holds of a tensor: the largest value, the sum of squares, the sum with signs from the hash, and a few
/// values at places from the hash.
struct Figures {
  static constexpr size_t kOthers = 3;
  double largest = 0, squares = 0, signed_sum = 0;
  std::vector<double> samples;
};

Figures figures(const Tensor& tensor, size_t stream, size_t samples) {
  Figures result{.largest = largest(tensor)};
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double value = tensor.data()[i];
    result.squares += value * value;
    result.signed_sum += hash(stream, i) & 1 ? value : -value;
  }
  for (size_t i = 0; i < samples; ++i) {
    const auto place = hash(stream, static_cast<int64_t>(i)) % static_cast<uint64_t>(tensor.size());
    result.samples.push_back(tensor.data()[place]);
  }
  return result;
}

/// Values to `tolerance` of the tensor's largest. Were each of n values that far off, a share of the norm e, then the
/// sum of squares would be off by 2 e of itself, and the sum by no more than e sqrt(n) norms.
void check_figures(const std::string& what, const Tensor& actual, size_t stream, std::span<const float> expected,
                   double tolerance) {
  CAPTURE(what);
  REQUIRE(actual.defined());
  const Figures ours = figures(actual, stream, expected.size() - Figures::kOthers);
  const double largest = expected[0], squares = expected[1];
  const double norm = std::sqrt(squares), root = std::sqrt(static_cast<double>(actual.size()));
  CHECK(std::fabs(ours.largest - largest) <= tolerance * largest);
  CHECK(std::fabs(ours.squares - squares) <= 2 * tolerance * squares);
  CHECK(std::fabs(ours.signed_sum - expected[2]) <= tolerance * root * norm);
  for (size_t i = 0; i < ours.samples.size(); ++i)
    CHECK(std::fabs(ours.samples[i] - expected[Figures::kOthers + i]) <= tolerance * largest);
}

struct ModelCase {
  const char* name;
  const char* model;
};

void check_model(const ModelCase& row) {
  CAPTURE(row.name);
  const Golden golden(row.name);
  const auto shape = golden.at("shape").values();
  const int64_t batch = static_cast<int64_t>(shape[0]), side = static_cast<int64_t>(shape[1]);
  const models::ModelOptions options{.height = side, .width = side, .classes = static_cast<int64_t>(shape[2])};
  const std::unique_ptr<layers::Module> model = models::build_model(row.model, options);
  layers::initialize(*model, 1);

  std::istringstream text(golden.metadata("names"));
  const std::vector<std::string> names(std::istream_iterator<std::string>(text), {});
  const std::vector<Parameter*> all = model->parameters();
  REQUIRE(all.size() == names.size());
  std::vector<Parameter*> parameters;
  for (size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    const auto found = std::ranges::find(all, names[i], &Parameter::name);
    REQUIRE(found != all.end());
    parameters.push_back(*found);
    const Tensor start = golden.part("start", static_cast<int64_t>(i));
    fill(parameters[i]->value, i, start.data()[0], start.data()[1]);
  }
  std::vector<Tensor> before;
  for (const Parameter* parameter : parameters) before.push_back(parameter->value.clone());

  Tensor images({batch, side, side, options.channels});
  fill(images, names.size(), 0, 2);
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < batch; ++i)
    labels.push_back(static_cast<int32_t>(hash(names.size(), i) % static_cast<uint32_t>(options.classes)));

  const quant::PrecisionTable precision = precision_table("fp32", model->sites());
  optim::Sgd optimizer(model->parameters(), kOptimizer);
  const Tensor& losses = golden.at("losses");
  for (int64_t step = 0; step < losses.size(); ++step) {
    CAPTURE(step);
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision, .step = static_cast<uint64_t>(step)};
    const Var logits = model->forward(context, Var(images));
    const Var loss = ops::cross_entropy(tape, logits, labels);
    CHECK(loss.value().item() == doctest::Approx(losses.data()[step]).epsilon(kTrainedTolerance));
    optimizer.zero_grad();
    tape.backward(loss);
    if (step == 0) {
      check_close("y", logits.value(), golden.at("y"), kTolerance);
      for (size_t i = 0; i < parameters.size(); ++i)
        check_figures("grad." + names[i], parameters[i]->grad, i,
                      golden.part("gradients", static_cast<int64_t>(i)).values(), kTolerance);
    }
    optimizer.step(kLearningRate);
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    Tensor& change = parameters[i]->value;
    for (int64_t at = 0; at < change.size(); ++at) before[i].data()[at] = change.data()[at] - before[i].data()[at];
    check_figures("change of " + names[i], before[i], i, golden.part("changes", static_cast<int64_t>(i)).values(),
                  kTrainedTolerance);
  }
  Tape tape(false);
  const quant::Context context{.tape = tape, .precision = precision, .training = false};
  check_close("evaluated", model->forward(context, Var(images)).value(), golden.at("evaluated"), kTrainedTolerance);
}

}  // namespace

TEST_CASE("PyTorch: AlexNet and ResNets") {
  for (const ModelCase& row : {ModelCase{"alexnet", "alexnet"}, ModelCase{"resnet8", "resnet8"},
                               ModelCase{"resnet18", "resnet18"}, ModelCase{"resnet50", "resnet50"}})
    check_model(row);
}

TEST_CASE("PyTorch: MobileNet-V2 for small images and for others") {
  for (const ModelCase& row :
       {ModelCase{"mobilenet_v2", "mobilenet_v2"}, ModelCase{"mobilenet_v2_0.5", "mobilenet_v2_0.5"},
        ModelCase{"mobilenet_v2_64", "mobilenet_v2"}, ModelCase{"mobilenet_v2_0.5_64", "mobilenet_v2_0.5"}})
    check_model(row);
}

TEST_CASE("PyTorch: the customized models") {
  for (const char* name : {"custom_a", "custom_f", "custom_d"}) check_model({name, name});
}
