#include "layers/module.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"

using namespace fqt;
using namespace fqt::layers;

namespace {

/// A convolution, its norm, a block of the same once more, and a head.
class Tower : public Module {
 public:
  explicit Tower(const std::string& name, int64_t width = 8, bool nested = true)
      : conv_(name + ".conv", {.in_channels = width, .out_channels = width, .kernel = 3, .padding = 1}),
        norm_(name + ".bn", width),
        head_(name + ".head", {.in_features = width, .out_features = 5, .role = quant::SiteRole::head}) {
    if (nested) inner_ = std::make_unique<Tower>(name + ".inner", width, false);
  }
  Var forward(const quant::Context&, const Var& x) override { return x; }

 protected:
  std::vector<Module*> children() override {
    std::vector<Module*> all{&conv_, &norm_};
    if (inner_) all.push_back(inner_.get());
    all.push_back(&head_);
    return all;
  }

 private:
  Conv2d conv_;
  BatchNorm norm_;
  std::unique_ptr<Tower> inner_;
  Linear head_;
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

}  // namespace

TEST_CASE("module: parameters, buffers and sites are listed from input to output, children in their place") {
  Tower tower("t");
  std::vector<std::string> parameters, buffers, sites;
  for (const Parameter* parameter : tower.parameters()) parameters.push_back(parameter->name);
  for (const NamedBuffer& buffer : tower.buffers()) buffers.push_back(buffer.name);
  for (const quant::Site* site : tower.sites()) sites.push_back(site->name);
  CHECK(join(parameters) ==
        "t.conv.weight t.bn.gamma t.bn.beta t.inner.conv.weight t.inner.bn.gamma t.inner.bn.beta t.inner.head.weight "
        "t.inner.head.bias t.head.weight t.head.bias ");
  CHECK(join(buffers) ==
        "t.conv.lhs_range t.bn.running_mean t.bn.running_var t.inner.conv.lhs_range t.inner.bn.running_mean "
        "t.inner.bn.running_var t.inner.head.lhs_range t.head.lhs_range ");
  CHECK(join(sites) == "t.conv t.inner.conv t.inner.head t.head ");
  CHECK(tower.sites().back()->role == quant::SiteRole::head);
  CHECK(tower.sites().front()->role == quant::SiteRole::body);
}

TEST_CASE("module: starting values have the deviation of their layer") {
  Tower tower("t", 64);
  initialize(tower, 1);
  const auto parameters = tower.parameters();
  const auto deviation = [](const Parameter& parameter) {
    double sum = 0, squares = 0;
    for (const float value : parameter.value.values()) sum += value, squares += double{value} * value;
    const double count = static_cast<double>(parameter.value.size());
    return std::sqrt(squares / count - sum / count * sum / count);
  };
  // 36,864 values: the deviation is known to 1 / sqrt(2 * 36864) = 0.4 %. Four times that.
  CHECK(deviation(*parameters[0]) == doctest::Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.015));
  // 320 values: 4 %.
  CHECK(deviation(*parameters[8]) == doctest::Approx(std::sqrt(2.0 / (64 * 5))).epsilon(0.16));
  for (const float value : parameters[1]->value.values()) CHECK(value == 1);  // gamma
  for (const float value : parameters[2]->value.values()) CHECK(value == 0);  // beta
  for (const float value : parameters[9]->value.values()) CHECK(value == 0);  // the head's bias
}

TEST_CASE("module: starting values are functions of the seed and the parameter's own name") {
  const auto weights = [](const std::string& name, uint64_t seed) {
    Tower tower(name);
    initialize(tower, seed);
    std::vector<std::vector<float>> all;
    for (const Parameter* parameter : tower.parameters())
      all.emplace_back(parameter->value.values().begin(), parameter->value.values().end());
    return all;
  };
  CHECK(weights("t", 1) == weights("t", 1));
  CHECK(weights("t", 1)[0] != weights("t", 2)[0]);
  CHECK(weights("t", 1)[0] != weights("u", 1)[0]);
  CHECK(weights("t", 1)[0] != weights("t", 1)[3]);        // two convolutions of one shape
  CHECK(weights("t.inner", 1)[0] == weights("t", 1)[3]);  // wherever in a model it stands
}

TEST_CASE("module: the hash of the weights changes with any one bit of any parameter or buffer") {
  Tower tower("t", 2);
  initialize(tower, 1);
  std::vector<Tensor*> tensors;
  for (Parameter* parameter : tower.parameters()) tensors.push_back(&parameter->value);
  for (const NamedBuffer& buffer : tower.buffers()) tensors.push_back(buffer.tensor);
  std::set<uint64_t> hashes{weights_hash(tower)};
  size_t flips = 0;
  for (Tensor* tensor : tensors)
    for (float& value : tensor->values())
      for (int bit = 0; bit < 32; ++bit, ++flips) {
        const float kept = value;
        value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) ^ (uint32_t{1} << bit));
        hashes.insert(weights_hash(tower));
        value = kept;
      }
  CHECK(hashes.size() == flips + 1);
  CHECK(hashes.count(weights_hash(tower)) == 1);
}

TEST_CASE("module: the hash tells names and shapes apart, and is the same for the same weights") {
  const auto hash = [](const std::string& name, int64_t in, int64_t out) {
    Linear linear(name, {.in_features = in, .out_features = out, .bias = false});
    for (Parameter* parameter : linear.parameters())
      for (float& value : parameter->value.values()) value = 1;
    return weights_hash(linear);
  };
  CHECK(hash("a", 2, 3) == hash("a", 2, 3));
  CHECK(hash("a", 2, 3) != hash("b", 2, 3));
  CHECK(hash("a", 2, 3) != hash("a", 3, 2));
}
