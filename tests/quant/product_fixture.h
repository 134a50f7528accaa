#pragma once

#include <cstring>
#include <string>

#include "quant/naive_product.h"
#include "quant/product.h"
#include "support/random_tensor.h"

namespace fqt::test {

/// One site with its operands and the gradient that is to reach it.
struct ProductFixture {
  ConvGeometry geometry;
  quant::Site site{"stage1.block0.conv1"};
  quant::PrecisionTable table;
  Parameter x, w;
  Tensor dy;
  uint64_t seed = 3, step = 17;
  quant::Probe* probe = nullptr;
  quant::NoiseSource* noise = nullptr;

  ProductFixture(const ConvGeometry& g, const quant::Precision& precision) : geometry(g) {
    table.set(site.name, precision);
    x.value = random_tensor({g.batch, g.height, g.width, g.in_channels}, 1, -0.4f, 2.0f);
    w.value = random_tensor({g.kernel, g.kernel, g.group_in(), g.out_channels}, 2, -0.3f, 0.2f);
    dy = random_tensor({g.batch, g.out_height(), g.out_width(), g.out_channels}, 3, -0.01f, 0.03f);
  }

  Tensor forward(bool training) {
    Tape tape(training);
    const quant::Context context{.tape = tape,
                                 .precision = table,
                                 .training = training,
                                 .seed = seed,
                                 .step = step,
                                 .probe = probe,
                                 .noise = noise};
    const Var y = quant::product(context, site, tape.parameter(x), tape.parameter(w), geometry);
    if (!training) return y.value();
    x.zero_grad();
    w.zero_grad();
    tape.backward(tape.record(Tensor::scalar(0), {y}, [this](Tensor) { return std::vector<Tensor>{dy.clone()}; }));
    return y.value();
  }

  /// Trains one step: the result, with the gradients left in x.grad and w.grad.
  Tensor run() { return forward(true); }
};

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

inline quant::Precision integer_precision(int bits, const char* format = "affine") {
  quant::Recipe recipe;
  recipe.lhs.format = recipe.rhs.format = recipe.grad.format = format;
  return recipe.precision(bits);
}

}  // namespace fqt::test
