#include "quant/product.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/check.h"
#include "quant/operand.h"
#include "quant/product_fixture.h"
#include "quant/whole.h"
#include "support/each_machine.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::mismatches;
using test::ProductFixture;
using test::ranges_of;
using test::same_bits;
using test::Whole;
using test::whole;

namespace {

/// The three products of a fixture are the exact sums of its decoded operands, rounded once.
void check_exact(ProductFixture& fixture, const Precision& precision) {
  const Tensor y = fixture.run();
  const auto operand = [&](const Tensor& values, const OperandPrecision& how, uint64_t noise) {
    return whole(values, how, ranges_of(values, how),
                 random_key(fixture.seed, {fixture.step, fixture.site.key, noise}));
  };
  const auto& [forward, grad_lhs, grad_rhs] = static_cast<const std::array<ProductPrecision, 3>&>(precision.products);
  const Whole x = operand(fixture.x.value, forward.lhs, 0), w = operand(fixture.w.value, forward.rhs, 1);
  const Whole x_again = grad_rhs.lhs == forward.lhs ? x : operand(fixture.x.value, grad_rhs.lhs, 5);
  const Whole w_again = grad_lhs.rhs == forward.rhs ? w : operand(fixture.w.value, grad_lhs.rhs, 4);
  const Whole dy = operand(fixture.dy, grad_lhs.lhs, 2);
  const Whole dy_again = grad_rhs.rhs == grad_lhs.lhs ? dy : operand(fixture.dy, grad_rhs.rhs, 3);
  const ConvGeometry& g = fixture.geometry;
  CHECK(mismatches(y, test::naive_products(g, x.differences, w.differences, dy.differences).y, x.scales, w.scales) ==
        0);
  CHECK(mismatches(fixture.x.grad, test::naive_products(g, x.differences, w_again.differences, dy.differences).dx,
                   dy.scales, w_again.scales) == 0);
  CHECK(mismatches(fixture.w.grad, test::naive_products(g, x_again.differences, w.differences, dy_again.differences).dw,
                   x_again.scales, dy_again.scales) == 0);
}

}  // namespace

TEST_CASE("product: all three equal the sums of the decoded operands, rounded once") {
  const test::ThreadCount one(1);
  for (const test::GeometryCase& row : test::kGeometries) {
    CAPTURE(row.kernel);
    CAPTURE(row.stride);
    CAPTURE(row.in);
    for (const char* format : {"affine", "symmetric"})
      for (const int bits : {2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16}) {
        CAPTURE(format);
        CAPTURE(bits);
        const Precision precision = integer_precision(bits, format);
        ProductFixture fixture(row.geometry(), precision);
        check_exact(fixture, precision);
      }
  }
}

TEST_CASE("product: operands may have widths, formats and roundings of their own") {
  Precision precision = integer_precision(8);
  auto& [forward, grad_lhs, grad_rhs] = static_cast<std::array<ProductPrecision, 3>&>(precision.products);
  forward.lhs.bits = grad_rhs.lhs.bits = 3;
  forward.lhs.rounding = grad_rhs.lhs.rounding = Rounding::stochastic;
  forward.rhs = grad_lhs.rhs = {&find_format("symmetric"), 5, Rounding::stochastic};
  grad_lhs.lhs.rounding = grad_rhs.rhs.rounding = Rounding::nearest;
  ProductFixture fixture(test::kGeometries[1].geometry(), precision);
  check_exact(fixture, precision);
  // Each product apart: X, W and dY are all rounded twice.
  forward.lhs.bits = 9;
  grad_lhs.rhs.bits = 12;
  grad_rhs.rhs = {&find_format("affine"), 2, Rounding::stochastic};
  ProductFixture apart(test::kGeometries[2].geometry(), precision);
  check_exact(apart, precision);
}

TEST_CASE("product: weights on a grid for each output channel, and on one for all where these are summed over") {
  for (const test::GeometryCase& row : test::kGeometries)
    for (const int bits : {4, 8, 16}) {
      CAPTURE(row.kernel);
      CAPTURE(row.out);
      CAPTURE(bits);
      Precision precision = integer_precision(bits);
      precision.products[ProductKind::forward].rhs.per_channel = true;
      precision.products[ProductKind::forward].rhs.rounding = Rounding::stochastic;
      ProductFixture fixture(row.geometry(), precision);
      for (int64_t i = 0; i < fixture.w.value.size(); ++i)  // channels of different magnitudes
        fixture.w.value.data()[i] *= static_cast<float>(1 + i % row.out);
      check_exact(fixture, precision);
    }
}

TEST_CASE("product: a second, wider copy of the gradient serves grad_rhs alone") {
  Precision precision = integer_precision(4);
  precision.products[ProductKind::grad_rhs].rhs = {&find_format("affine"), 16, Rounding::stochastic};
  for (const int row : {0, 1, 3}) {
    ProductFixture fixture(test::kGeometries[row].geometry(), precision);
    check_exact(fixture, precision);
  }
}

TEST_CASE("product: an emulated accumulator with room enough changes nothing, and a small one counts its overflows") {
  Precision precision = integer_precision(4);
  ProductFixture exact(test::kGeometries[1].geometry(), precision);
  const Tensor y = exact.run();
  precision.accumulator.bits = 32;
  ProductFixture roomy(test::kGeometries[1].geometry(), precision);
  const Tensor same = roomy.run();
  CHECK((same_bits(same, y) && same_bits(roomy.x.grad, exact.x.grad) && same_bits(roomy.w.grad, exact.w.grad)));
  CHECK(roomy.site.overflows == ByProduct<int64_t>{});
  precision.accumulator.bits = 8;
  ProductFixture small(test::kGeometries[1].geometry(), precision);
  CHECK_FALSE(same_bits(small.run(), y));
  for (const int64_t count : small.site.overflows) CHECK(count > 0);
}

TEST_CASE("product: codes are not reused where their scale varies along the sum") {
  const std::vector<Grid> grids{{1.0f, 0, 15}, {2.0f, 0, 15}};
  const OperandPrecision precision{&find_format("affine"), 4};
  const Operand weight = encode(Tensor::full({3, 2}, 1.0f), {1, 1, 3, 2, 0, 0, 0, 0, 2}, precision, grids, {});
  const ConvGeometry g = ConvGeometry::matrix(5, 3, 2);
  const Operand dy = encode(Tensor::full({5, 2}, 1.0f), gemm::gradient_image(g, 4), precision, {grids[0]}, {});
  std::vector<float> dx(15);
  CHECK_THROWS_WITH_AS(multiply(gemm::grad_lhs_products(g, gemm::gradient_image(g, 4)), dy, weight, {}, dx.data()),
                       doctest::Contains("a scale varies along the terms of a sum"), Error);
}

TEST_CASE("product: a matrix product is the same with one row of pixels") {
  const test::ThreadCount one(1);
  for (const int bits : {2, 6, 8}) {
    CAPTURE(bits);
    const Precision precision = integer_precision(bits);
    ProductFixture fixture(ConvGeometry::matrix(37, 19, 21), precision);
    check_exact(fixture, precision);
    const Tensor dx = fixture.x.grad, dw = fixture.w.grad;

    Parameter x{"x", fixture.x.value.reshape({37, 19}), {}}, w{"w", fixture.w.value.reshape({19, 21}), {}};
    Tape tape;
    const Context context{.tape = tape, .precision = fixture.table, .seed = fixture.seed, .step = fixture.step};
    const Var y = matmul(context, fixture.site, tape.parameter(x), tape.parameter(w));
    CHECK(y.shape() == Shape{37, 21});
    tape.backward(tape.record(Tensor::scalar(0), {y}, [&](Tensor) {
      return std::vector<Tensor>{fixture.dy.reshape({37, 21})};
    }));
    CHECK(x.grad.shape() == Shape{37, 19});
    CHECK(w.grad.shape() == Shape{19, 21});
    CHECK(same_bits(x.grad, dx));
    CHECK(same_bits(w.grad, dw));
  }
}

TEST_CASE("product: the gradient of an operand used twice is the sum of both gradients, in the order of the tape") {
  for (const test::GeometryCase& row : test::kGeometries)
    for (const int bits : {6, 12, 32}) {
      CAPTURE(row.kernel);
      CAPTURE(row.stride);
      CAPTURE(bits);
      const Precision precision = bits == 32 ? Precision{} : integer_precision(bits);
      ProductFixture first(row.geometry(), precision), second(row.geometry(), precision);
      second.site.name = "second";
      second.table.set(second.site.name, precision);
      first.table.set(second.site.name, precision);
      second.w.value = test::random_tensor(second.w.value.shape(), 8, -0.1f, 0.5f);
      first.run();
      second.run();
      Tensor expected = second.x.grad.clone();  // what was recorded last comes first on the way back
      for (int64_t i = 0; i < expected.size(); ++i) expected.data()[i] += first.x.grad.data()[i];

      for (const bool shared : {false, true}) {
        CAPTURE(shared);
        Tape tape;
        const Context context{
            .tape = tape, .precision = first.table, .training = true, .seed = first.seed, .step = first.step};
        const Var x = tape.parameter(first.x), w = tape.parameter(first.w), w_second = tape.parameter(second.w);
        const Var a = product(context, first.site, x, w, first.geometry);
        const Var b = product(context, second.site, x, w_second, second.geometry);
        first.x.zero_grad();
        Tensor held;  // what had reached x before the first product, where somebody looks at it
        const Var peek = tape.record(Tensor::scalar(0), {a, b}, [&](Tensor) {
          return std::vector<Tensor>{first.dy.clone(), second.dy.clone()};
        });
        const Var last = tape.record(Tensor::scalar(0), {peek, x}, [&](Tensor grad) {
          Tensor zeros = Tensor::zeros(first.x.value.shape());
          if (shared) held = zeros;
          return std::vector<Tensor>{std::move(grad), std::move(zeros)};
        });
        tape.backward(last);
        CHECK(same_bits(first.x.grad, expected));
        for (int64_t i = 0; i < held.size(); ++i) REQUIRE(held.data()[i] == 0);
      }
    }
}

TEST_CASE("product: the same bits on every instruction set and any number of threads") {
  for (const bool is_float : {false, true}) {
    CAPTURE(is_float);
    ConvGeometry g = test::kGeometries[1].geometry();
    g.batch = 9;
    g.height = g.width = 33;
    ProductFixture fixture(g, is_float ? Precision{} : integer_precision(6));
    std::vector<Tensor> expected;
    test::on_each_machine([&] {
      const std::vector<Tensor> now{fixture.run(), fixture.x.grad, fixture.w.grad};
      if (expected.empty()) expected = now;
      for (size_t i = 0; i < now.size(); ++i) CHECK(same_bits(now[i], expected[i]));
    });
  }
}

TEST_CASE("product: NaN and infinity are refused by site, operand and step") {
  for (const bool is_float : {false, true})
    for (const std::string operand : {"lhs", "rhs", "the gradient"}) {
      CAPTURE(is_float);
      CAPTURE(operand);
      ProductFixture fixture(ConvGeometry::matrix(4, 3, 2), is_float ? Precision{} : integer_precision(6));
      Tensor& tensor = operand == "lhs" ? fixture.x.value : operand == "rhs" ? fixture.w.value : fixture.dy;
      tensor.data()[1] =
          operand == "rhs" ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
      std::string message;
      try {
        fixture.run();
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        message = error.what();
      }
      CAPTURE(message);
      CHECK(message.find(operand + " of site 'stage1.block0.conv1'") != std::string::npos);
      CHECK(message.find("in step 18") != std::string::npos);
    }
}

TEST_CASE("product: shapes, precisions and sites that do not fit are refused") {
  const auto message = [](ProductFixture& fixture) -> std::string {
    try {
      fixture.run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Precision precision = integer_precision(6);
  ProductFixture wrong_lhs(ConvGeometry::matrix(4, 3, 2), precision);
  wrong_lhs.x.value = Tensor::zeros({4, 5});
  CHECK(message(wrong_lhs).find("lhs has shape [4, 5]") != std::string::npos);
  ProductFixture wrong_rhs(ConvGeometry::matrix(4, 3, 2), precision);
  wrong_rhs.w.value = Tensor::zeros({3, 3});
  CHECK(message(wrong_rhs).find("rhs has shape [3, 3]") != std::string::npos);
  ProductFixture unknown(ConvGeometry::matrix(4, 3, 2), precision);
  unknown.site.name = "other";
  CHECK(message(unknown).find("no row for site 'other'") != std::string::npos);
  Precision mixed = precision;
  mixed.products[ProductKind::forward].lhs = {};
  ProductFixture half(ConvGeometry::matrix(4, 3, 2), mixed);
  CHECK(message(half).find("all integers or all fp32") != std::string::npos);

  Tape tape;
  ProductFixture fixture(ConvGeometry::matrix(4, 3, 2), precision);
  const Context context{.tape = tape, .precision = fixture.table};
  CHECK_THROWS_WITH_AS(matmul(context, fixture.site, Var(Tensor::zeros({4, 3})), Var(Tensor::zeros({4, 2}))),
                       doctest::Contains("shapes [4, 3] and [4, 2] do not multiply"), Error);
}
