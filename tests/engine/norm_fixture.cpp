#include "engine/norm_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/kernels/table.h"
#include "engine/ops/elementwise.h"
#include "engine/parallel.h"
#include "engine/random.h"

namespace fqt::test {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float left, float right) {
    return __builtin_bit_cast(uint32_t, left) == __builtin_bit_cast(uint32_t, right);
  });
}

/// Noted extremes are those of the values.
void check_noted(const Tensor& tensor) {
  const auto [low, high] = std::minmax_element(tensor.values().begin(), tensor.values().end());
  CHECK(tensor.extremes()->finite);
  CHECK(tensor.extremes()->low == *low);
  CHECK(tensor.extremes()->high == *high);
}

}  // namespace

Tensor normal_tensor(Shape shape, uint64_t purpose, float mean) {
  Tensor tensor(std::move(shape));
  fill_normal(random_key(1, {purpose}), 1, tensor.values());
  for (float& value : tensor.values()) value += mean;
  return tensor;
}

std::vector<float> run_norm(const NormForms& forms, bool fused, bool residual, bool training, Shape shape, bool alone) {
  const int64_t channels = shape.back();
  Parameter x{"x", normal_tensor(shape, 1, 0.5f), {}};
  Parameter gamma{"gamma", normal_tensor({channels}, 2, 1), {}}, beta{"beta", normal_tensor({channels}, 3), {}};
  Parameter other{"residual", normal_tensor(shape, 4), {}};
  Tensor mean = Tensor::zeros({channels}), spread = Tensor::full({channels}, 2);
  const ops::NormOptions options{.training = training};
  Tape tape;
  const Var scale = tape.parameter(gamma), shift = tape.parameter(beta);
  Var in = tape.parameter(x);
  if (alone) in = tape.record(x.value.clone(), {in}, [](Tensor grad) { return std::vector<Tensor>{std::move(grad)}; });
  const Var added = tape.parameter(other);
  Var y;
  if (fused) {
    y = residual ? forms.add_relu(tape, in, scale, shift, mean, spread, added, options)
                 : forms.relu(tape, in, scale, shift, mean, spread, options);
  } else {
    y = forms.plain(tape, in, scale, shift, mean, spread, options);
    if (residual) y = ops::add(tape, y, added);
    y = ops::relu(tape, y);
  }
  in = Var();
  const Tensor grad = normal_tensor(shape, 5);
  tape.backward(tape.record(Tensor::scalar(0), {y}, [&](const Tensor&) { return std::vector<Tensor>{grad.clone()}; }));
  if (fused) {
    REQUIRE(y.value().extremes());
    check_noted(y.value());
  }
  if (x.grad.extremes()) check_noted(x.grad);
  std::vector<float> all;
  for (const Tensor& tensor : {y.value(), mean, spread, x.grad, gamma.grad, beta.grad, other.grad})
    if (tensor.defined()) all.insert(all.end(), tensor.values().begin(), tensor.values().end());
  return all;
}

void check_same_bits(const NormForms& forms, const std::vector<Shape>& shapes) {
  const int before = threads();
  for (const Shape& shape : shapes) {
    for (const bool residual : {false, true}) {
      for (const bool training : {true, false}) {
        kernels::select("reference");
        set_threads(1);
        const std::vector<float> expected = run_norm(forms, false, residual, training, shape);
        for (const kernels::Isa& isa : kernels::all_isas()) {
          if (!isa.supported()) continue;
          kernels::select(isa.name);
          for (const int count : {1, 2, 3}) {
            set_threads(count);
            CAPTURE(to_string(shape));
            CAPTURE(std::string(isa.name));
            CAPTURE(count);
            CHECK(same_bits(run_norm(forms, false, residual, training, shape), expected));
            CHECK(same_bits(run_norm(forms, true, residual, training, shape), expected));
            CHECK(same_bits(run_norm(forms, true, residual, training, shape, true), expected));
          }
        }
      }
    }
  }
  kernels::select("");
  set_threads(before);
}

}  // namespace fqt::test
