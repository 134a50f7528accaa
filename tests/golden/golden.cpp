#include "golden/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace fqt::test {

Golden::Golden(const std::string& name) : file_(trainer::read_safetensors(FQT_GOLDEN "/" + name + ".safetensors")) {}

const Tensor* Golden::find(const std::string& name) const {
  for (const trainer::NamedTensor& row : file_.tensors)
    if (row.name == name) return &row.tensor;
  return nullptr;
}

const Tensor& Golden::at(const std::string& name) const {
  const Tensor* tensor = find(name);
  CAPTURE(name);
  REQUIRE(tensor);
  return *tensor;
}

Tensor Golden::part(const std::string& name, int64_t index) const {
  const Tensor& all = at(name);
  const Shape shape(all.shape().begin() + 1, all.shape().end());
  const size_t size = static_cast<size_t>(element_count(shape));
  return Tensor(shape, all.values().subspan(static_cast<size_t>(index) * size, size));
}

size_t Golden::count(const std::string& prefix) const {
  return static_cast<size_t>(std::ranges::count_if(
      file_.tensors, [&](const trainer::NamedTensor& row) { return row.name.starts_with(prefix); }));
}

double largest(const Tensor& tensor) {
  double result = 0;
  for (const float value : tensor.values()) result = std::max(result, std::fabs(double{value}));
  return result;
}

void check_close(const std::string& what, const Tensor& actual, const Tensor& expected, double tolerance,
                 double floor) {
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

void check_gradients(const Golden& golden, layers::Module& module) {
  double scale = 0;
  for (const Parameter* parameter : module.parameters())
    scale = std::max(scale, largest(golden.at("grad." + parameter->name)));
  for (const Parameter* parameter : module.parameters())
    check_close("grad." + parameter->name, parameter->grad, golden.at("grad." + parameter->name), kTolerance,
                1e-3 * scale);
}

}  // namespace fqt::test
