// fqt's image models against PyTorch: logits, all gradients, five steps of training, evaluation by running statistics.
// How weights are made on both sides, and what the files hold, is said in image_models.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "golden/golden.h"
#include "models/zoo.h"
#include "support/precision_table.h"

using namespace fqt;
using namespace fqt::test;

namespace {

constexpr double kRounding = 5 * 0x1p-24;  ///< of a value that five steps have moved, as a share of it
constexpr optim::SgdOptions kOptimizer{.momentum = 0.9, .weight_decay = 0};

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
  Figures result;
  result.largest = largest(tensor);
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

/// Values to `tolerance` of the tensor's largest, or of `floor` where that is more. Were each of n values off by that
/// share of them all, the sum of squares would be off by twice the share, and the sum by sqrt(n) norms times the share.
void check_figures(const std::string& what, const Tensor& actual, size_t stream, const Tensor& expected,
                   double tolerance, double floor) {
  CAPTURE(what);
  REQUIRE(actual.defined());
  const std::span<const float> theirs = expected.values();
  const Figures ours = figures(actual, stream, theirs.size() - Figures::kOthers);
  const double root = std::sqrt(static_cast<double>(actual.size()));
  const double size = std::max(double{theirs[0]}, floor), norm = std::max(std::sqrt(double{theirs[1]}), floor * root);
  CHECK(std::fabs(ours.largest - theirs[0]) <= tolerance * size);
  CHECK(std::fabs(ours.squares - theirs[1]) <= 2 * tolerance * norm * norm);
  CHECK(std::fabs(ours.signed_sum - theirs[2]) <= tolerance * root * norm);
  for (size_t i = 0; i < ours.samples.size(); ++i)
    CHECK(std::fabs(ours.samples[i] - theirs[Figures::kOthers + i]) <= tolerance * size);
}

/// A thousandth of the largest value of all tensors: some are 0 but for rounding (of the beta of a norm without a ReLU
/// that only another norm's convolution reads).
double floor_of(const Tensor& figures) {
  double result = 0;
  for (int64_t row = 0; row < figures.dim(0); ++row)
    result = std::max(result, 1e-3 * figures.data()[row * figures.dim(1)]);
  return result;
}

/// A model under the weights that the formula gives it.
struct Subject {
  Subject(const Golden& golden, std::string_view name, const models::ModelOptions& options)
      : model(models::build_model(name, options)) {
    const std::vector<Parameter*> all = model->parameters();
    std::istringstream names(golden.metadata("names"));
    for (std::string text; names >> text;) {
      CAPTURE(text);
      const auto found = std::ranges::find(all, text, &Parameter::name);
      REQUIRE(found != all.end());
      const size_t number = parameters.size();
      const Tensor start = golden.part("start", static_cast<int64_t>(number));
      fill((*found)->value, number, start.data()[0], start.data()[1]);
      before.push_back((*found)->value.clone());
      parameters.push_back(*found);
    }
    REQUIRE(parameters.size() == all.size());
  }

  std::unique_ptr<layers::Module> model;
  std::vector<Parameter*> parameters;  ///< in the file's order
  std::vector<Tensor> before;          ///< their values at the start
};

void check_all_gradients(const Golden& golden, const Subject& subject) {
  const Tensor& expected = golden.at("gradients");
  for (size_t i = 0; i < subject.parameters.size(); ++i)
    check_figures("grad." + subject.parameters[i]->name, subject.parameters[i]->grad, i,
                  golden.part("gradients", static_cast<int64_t>(i)), kTolerance, floor_of(expected));
}

/// What training has added to each parameter, which is far less than the parameter and no nearer than its rounding.
void check_changes(const Golden& golden, Subject& subject) {
  const double floor = floor_of(golden.at("changes"));
  for (size_t i = 0; i < subject.parameters.size(); ++i) {
    const Tensor& after = subject.parameters[i]->value;
    Tensor change(after.shape());
    for (int64_t at = 0; at < change.size(); ++at) change.data()[at] = after.data()[at] - subject.before[i].data()[at];
    check_figures("change of " + subject.parameters[i]->name, change, i,
                  golden.part("changes", static_cast<int64_t>(i)), kTrainedTolerance,
                  std::max(floor, kRounding / kTrainedTolerance * largest(subject.before[i])));
  }
}

void check_model(const char* file, const char* name) {
  CAPTURE(file);
  const Golden golden(file);
  const std::span<const float> given = golden.at("options").values();
  const int64_t batch = static_cast<int64_t>(given[0]), side = static_cast<int64_t>(given[1]);
  const models::ModelOptions options{.height = side, .width = side, .classes = static_cast<int64_t>(given[2])};
  Subject subject(golden, name, options);
  const size_t stream = subject.parameters.size();
  Tensor images({batch, side, side, options.channels});
  fill(images, stream, 0, 2);
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < batch; ++i)
    labels.push_back(static_cast<int32_t>(hash(stream, i) % static_cast<uint32_t>(options.classes)));

  const quant::PrecisionTable precision = precision_table("fp32", subject.model->sites());
  optim::Sgd optimizer(subject.model->parameters(), kOptimizer);
  const Tensor& losses = golden.at("losses");
  for (int64_t step = 0; step < losses.size(); ++step) {
    CAPTURE(step);
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision, .step = static_cast<uint64_t>(step)};
    const Var logits = subject.model->forward(context, Var(images));
    const Var loss = ops::cross_entropy(tape, logits, labels);
    CHECK(loss.value().item() == doctest::Approx(losses.data()[step]).epsilon(kTrainedTolerance));
    optimizer.zero_grad();
    tape.backward(loss);
    if (step == 0) {
      check_close("y", logits.value(), golden.at("y"), kTolerance);
      check_all_gradients(golden, subject);
    }
    optimizer.step(given[3]);
  }
  check_changes(golden, subject);
  Tape tape(false);
  const quant::Context context{.tape = tape, .precision = precision, .training = false};
  const Var evaluated = subject.model->forward(context, Var(images));
  check_close("evaluated", evaluated.value(), golden.at("evaluated"), kTrainedTolerance);
}

}  // namespace

TEST_CASE("PyTorch: AlexNet") { check_model("alexnet", "alexnet"); }

TEST_CASE("PyTorch: ResNets") {
  for (const char* name : {"resnet8", "resnet18", "resnet50"}) check_model(name, name);
}

TEST_CASE("PyTorch: MobileNet-V2, for small images") {
  for (const char* name : {"mobilenet_v2", "mobilenet_v2_0.5"}) check_model(name, name);
}

TEST_CASE("PyTorch: MobileNet-V2, for larger images") {
  check_model("mobilenet_v2_64", "mobilenet_v2");
  check_model("mobilenet_v2_0.5_64", "mobilenet_v2_0.5");
}

TEST_CASE("PyTorch: the customized models") {
  for (const char* name : {"custom_a", "custom_f", "custom_d"}) check_model(name, name);
}
