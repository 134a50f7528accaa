// The product of batches of matrices against sums of int64 over levels made apart from it, and against the plain
// product; the random numbers of several calls of a site.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "quant/product.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

struct Case {
  int64_t count, rows, depth, columns;
  bool transposed;
};

/// Depths and widths on and off the multiples of 4 and 16, and one product alone.
constexpr Case kCases[] = {
    {1, 5, 7, 3, false},  {1, 5, 7, 3, true},    {6, 9, 16, 20, false},
    {6, 9, 16, 20, true}, {13, 17, 5, 33, true}, {2, 1, 8, 1, false},
};

Recipe nearest_recipe() {
  Recipe recipe;
  recipe.grad.rounding = Rounding::nearest;
  return recipe;
}

/// One site with its operands and the gradient that is to reach it.
struct Fixture {
  Case shape;
  Site site = activation_site("block0.attention.scores", "attention");
  PrecisionTable table;
  Parameter x, w;
  Tensor dy;

  Fixture(const Case& c, const Precision& precision) : shape(c) {
    table.set(site.name, precision);
    x.value = test::random_tensor({c.count, c.rows, c.depth}, 1, -0.4f, 2.0f);
    w.value = test::random_tensor(
        c.transposed ? Shape{c.count, c.columns, c.depth} : Shape{c.count, c.depth, c.columns}, 2, -0.3f, 0.2f);
    dy = test::random_tensor({c.count, c.rows, c.columns}, 3, -0.01f, 0.03f);
  }

  Probe* probe = nullptr;

  Tensor run(bool training = true) {
    Tape tape(training);
    const Context context{
        .tape = tape, .precision = table, .training = training, .seed = 3, .step = 17, .probe = probe};
    const Var y = batched_product(context, site, tape.parameter(x), tape.parameter(w),
                                  shape.transposed ? Transposed::yes : Transposed::no);
    if (!training) return y.value();
    x.zero_grad();
    w.zero_grad();
    tape.backward(tape.record(Tensor::scalar(0), {y}, [this](Tensor) { return std::vector<Tensor>{dy.clone()}; }));
    return y.value();
  }
};

/// Differences from zero, and the scale, of a tensor over its extremes, rounded to the nearest.
struct Levels {
  std::vector<int64_t> differences;
  double scale;

  Levels(const Tensor& values, int bits) {
    const auto [low, high] = std::minmax_element(values.values().begin(), values.values().end());
    const Grid grid = find_format("affine").fit(*low, *high, bits);
    scale = grid.scale;
    for (const float value : values.values())
      differences.push_back(static_cast<int64_t>(std::nearbyint(std::clamp(
          value / grid.scale, static_cast<float>(-grid.zero), static_cast<float>(grid.max_level - grid.zero)))));
  }
};

/// Matrices of a tensor [count, height, width], each transposed where asked.
struct View {
  const Levels& levels;
  int64_t height, width;
  bool transposed;
  int64_t at(int64_t i, int64_t row, int64_t column) const {
    return levels.differences[static_cast<size_t>(i * height * width +
                                                  (transposed ? column * width + row : row * width + column))];
  }
};

/// Elements of `result` that are not the sums of a * b, [rows x terms] * [terms x columns] each.
int wrong_sums(const Tensor& result, const View& a, const View& b, int64_t count, int64_t rows, int64_t terms,
               int64_t columns) {
  int wrong = 0;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        int64_t sum = 0;
        for (int64_t k = 0; k < terms; ++k) sum += a.at(i, r, k) * b.at(i, k, c);
        wrong += result.data()[(i * rows + r) * columns + c] !=
                 static_cast<float>(static_cast<double>(sum) * (a.levels.scale * b.levels.scale));
      }
  return wrong;
}

std::vector<float> floats(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

}  // namespace

TEST_CASE("batched product: all three products are exact sums of levels, at narrow and wide bits") {
  for (const Case& c : kCases)
    for (const int bits : {4, 8, 12}) {
      CAPTURE(c.count);
      CAPTURE(c.transposed);
      CAPTURE(bits);
      Fixture fixture(c, nearest_recipe().precision(bits));
      const Tensor y = fixture.run();
      const Levels lx(fixture.x.value, bits), lw(fixture.w.value, bits), ldy(fixture.dy, bits);
      const int64_t wide = c.transposed ? c.depth : c.columns, high = c.transposed ? c.columns : c.depth;
      const View x{lx, c.rows, c.depth, false}, xt{lx, c.rows, c.depth, true};
      const View w{lw, high, wide, c.transposed}, wt{lw, high, wide, !c.transposed};
      const View dy{ldy, c.rows, c.columns, false}, dyt{ldy, c.rows, c.columns, true};
      CHECK(wrong_sums(y, x, w, c.count, c.rows, c.depth, c.columns) == 0);
      CHECK(wrong_sums(fixture.x.grad, dy, wt, c.count, c.rows, c.columns, c.depth) == 0);
      if (c.transposed)
        CHECK(wrong_sums(fixture.w.grad, dyt, x, c.count, c.columns, c.rows, c.depth) == 0);
      else
        CHECK(wrong_sums(fixture.w.grad, xt, dy, c.count, c.depth, c.rows, c.columns) == 0);
    }
}

TEST_CASE("batched product: float32 agrees with float64 sums") {
  for (const Case& c : kCases) {
    Fixture fixture(c, {});
    const Tensor y = fixture.run();
    const auto w = [&](int64_t i, int64_t k, int64_t n) -> double {
      return fixture.w.value.data()[i * c.depth * c.columns + (c.transposed ? n * c.depth + k : k * c.columns + n)];
    };
    double worst = 0;
    for (int64_t i = 0; i < c.count; ++i) {
      const float* const x = fixture.x.value.data() + i * c.rows * c.depth;
      const float* const dy = fixture.dy.data() + i * c.rows * c.columns;
      const auto note = [&](double expected, float actual) { worst = std::max(worst, std::fabs(expected - actual)); };
      for (int64_t m = 0; m < c.rows; ++m)
        for (int64_t n = 0; n < c.columns; ++n) {
          double sum = 0;
          for (int64_t k = 0; k < c.depth; ++k) sum += x[m * c.depth + k] * w(i, k, n);
          note(sum, y.data()[(i * c.rows + m) * c.columns + n]);
        }
      for (int64_t k = 0; k < c.depth; ++k)
        for (int64_t m = 0; m < c.rows; ++m) {
          double sum = 0;
          for (int64_t n = 0; n < c.columns; ++n) sum += dy[m * c.columns + n] * w(i, k, n);
          note(sum, fixture.x.grad.data()[(i * c.rows + m) * c.depth + k]);
        }
      for (int64_t k = 0; k < c.depth; ++k)
        for (int64_t n = 0; n < c.columns; ++n) {
          double sum = 0;
          for (int64_t m = 0; m < c.rows; ++m) sum += double{x[m * c.depth + k]} * dy[m * c.columns + n];
          note(sum,
               fixture.w.grad.data()[i * c.depth * c.columns + (c.transposed ? n * c.depth + k : k * c.columns + n)]);
        }
    }
    CHECK(worst < 2e-6);
  }
}

TEST_CASE("batched product: a batch of one is the plain product, random numbers and all") {
  const Case c{1, 9, 12, 10, false};
  for (const Precision& precision : {Recipe{}.precision(6), Precision{}}) {
    Fixture fixture(c, precision);
    const Tensor y = fixture.run();
    Site plain(fixture.site.name);
    Parameter x{"x", fixture.x.value.reshape({9, 12}), {}}, w{"w", fixture.w.value.reshape({12, 10}), {}};
    Tape tape;
    const Context context{.tape = tape, .precision = fixture.table, .seed = 3, .step = 17};
    const Var expected = matmul(context, plain, tape.parameter(x), tape.parameter(w));
    tape.backward(tape.record(Tensor::scalar(0), {expected}, [&](Tensor) {
      return std::vector<Tensor>{fixture.dy.reshape({9, 10}).clone()};
    }));
    CHECK(floats(y) == floats(expected.value()));
    CHECK(floats(fixture.x.grad) == floats(x.grad));
    CHECK(floats(fixture.w.grad) == floats(w.grad));
  }
}

TEST_CASE("batched product: the same bits on every instruction set and number of threads") {
  for (const Case& c : kCases)
    for (const Precision& precision : {Recipe{}.precision(7), Recipe{}.precision(11), Precision{}}) {
      std::vector<float> expected;
      const int before = threads();
      for (const kernels::Isa& isa : kernels::all_isas())
        for (const int count : {1, 2}) {
          if (!isa.supported()) continue;
          CAPTURE(isa.name);
          kernels::select(isa.name);
          set_threads(count);
          Fixture fixture(c, precision);
          std::vector<float> all = floats(fixture.run());
          for (const Tensor& grad : {fixture.x.grad, fixture.w.grad})
            all.insert(all.end(), grad.values().begin(), grad.values().end());
          if (expected.empty()) expected = all;
          CHECK(all == expected);
        }
      set_threads(before);
      kernels::select("");
    }
}

TEST_CASE("batched product: both operands have running ranges, and evaluation rounds by them") {
  Fixture fixture({2, 3, 4, 5, true}, Recipe{}.precision(4));
  fixture.run();
  const auto range = [](const Tensor& tensor) { return std::pair(tensor.data()[0], tensor.data()[1]); };
  const auto [low, high] = std::minmax_element(fixture.w.value.values().begin(), fixture.w.value.values().end());
  CHECK(range(fixture.site.rhs_range) == std::pair(*low, *high));
  const std::vector<float> before = floats(fixture.run(false));
  fixture.site.rhs_range.data()[1] = 40;
  CHECK(floats(fixture.run(false)) != before);
  CHECK(range(fixture.site.rhs_range) == std::pair(*low, 40.0f));  // evaluation moves nothing

  // A weight has none: its own extremes serve in evaluation too.
  Fixture weight({1, 3, 4, 5, true}, Recipe{}.precision(4));
  weight.site = Site("head");
  weight.table.set("head", Recipe{}.precision(4));
  weight.run();
  CHECK_FALSE(weight.site.rhs_range.defined());
  CHECK(weight.run(false).shape() == Shape{1, 3, 5});
}

TEST_CASE("batched product: one scale a tensor, also where the recipe gives weights one a channel") {
  Recipe recipe;
  recipe.rhs_per_channel = true;
  for (const bool transposed : {false, true}) {
    Fixture fixture({3, 4, 5, 6, transposed}, recipe.precision(6));
    Fixture plain({3, 4, 5, 6, transposed}, Recipe{}.precision(6));
    CHECK(floats(fixture.run()) == floats(plain.run()));
    CHECK(floats(fixture.x.grad) == floats(plain.x.grad));
  }
}

TEST_CASE(
    "batched product: a probe is told which operand is which, also where they are multiplied the other way round") {
  struct Watcher : Probe {
    int products = 0, swapped = 0;
    void observe(const Observation& observation) override {
      ++products;
      swapped += observation.swapped;
      const bool gradient = observation.product == ProductKind::grad_rhs;
      if (gradient) CHECK(observation.rhs.high < 0.031f);  // dY, of -0.01 to 0.03
      if (gradient) CHECK(observation.lhs.high > 1);       // X, of -0.4 to 2
    }
  };
  for (const bool transposed : {false, true}) {
    Watcher watcher;
    Fixture fixture({3, 14, 15, 16, transposed}, Recipe{}.precision(6));
    fixture.probe = &watcher;
    fixture.run();
    CHECK(watcher.products == 3);
    CHECK(watcher.swapped == (transposed ? 1 : 0));
  }
}

TEST_CASE("batched product: shapes that do not multiply are refused by name") {
  Fixture fixture({2, 3, 4, 5, false}, {});
  fixture.shape.transposed = true;
  CHECK_THROWS_WITH_AS(fixture.run(),
                       "[batched_product] site 'block0.attention.scores': shapes [2, 3, 4] and [2, 4, 5], transposed, "
                       "do not multiply",
                       Error);
}

TEST_CASE("product: each call of a site in a step draws its own random numbers, the first those of a single call") {
  const auto gradient = [](int64_t call, bool say) {
    Site site("lstm.layer0.hidden");
    PrecisionTable table;
    table.set(site.name, Recipe{}.precision(3));
    Parameter x{"x", test::random_tensor({20, 30}, 1, -1, 1), {}}, w{"w", test::random_tensor({30, 10}, 2, -1, 1), {}};
    Tape tape;
    const Context context{.tape = tape, .precision = table, .seed = 3, .step = 17};
    const Var y = say ? matmul(context, site, tape.parameter(x), tape.parameter(w), call)
                      : matmul(context, site, tape.parameter(x), tape.parameter(w));
    tape.backward(tape.record(Tensor::scalar(0), {y}, [](Tensor) {
      return std::vector<Tensor>{test::random_tensor({20, 10}, 3, -1, 1)};
    }));
    return std::pair(floats(y.value()), floats(w.grad));
  };
  const auto plain = gradient(0, false);
  CHECK(gradient(0, true) == plain);
  CHECK(gradient(1, true).first == plain.first);  // X and W are rounded to the nearest
  CHECK(gradient(1, true).second != plain.second);
  CHECK(gradient(1, true).second != gradient(2, true).second);
  CHECK(gradient(2, true) == gradient(2, true));
}
