// Calls of a site that share their right operand give the bits of calls that do not.
#include "quant/shared_rhs.h"

#include <doctest/doctest.h>

#include <vector>

#include "quant/product.h"
#include "quant/product_fixture.h"
#include "support/random_tensor.h"
#include "support/thread_count.h"

using namespace fqt;
using namespace fqt::quant;
using test::same_bits;

namespace {

constexpr int kCalls = 4;
constexpr int64_t kTerms = 70, kColumns = 300;

/// The last two calls have more rows than the others.
int64_t rows_of(int call) { return call < 2 ? 5 : 9; }

struct Row {
  const char* what;
  Precision precision;
};

std::vector<Row> rows() {
  Recipe channels, drawn, again, percentile;
  channels.rhs_per_channel = true;
  drawn.rhs.rounding = Rounding::stochastic;
  again.grad_rhs_bits = 8;
  percentile.rhs.range = "percentile";
  Precision mixed = Recipe{}.precision(6);
  mixed.products[ProductKind::grad_lhs].rhs.bits = 4;  // W is quantized twice
  return {{"float", Precision{}},
          {"bytes", Recipe{}.precision(6)},
          {"7 bits", Recipe{}.precision(7)},
          {"8 bits", Recipe{}.precision(8)},
          {"words", Recipe{}.precision(12)},
          {"16 bits", Recipe{}.precision(16)},
          {"a grid for each channel", channels.precision(6)},
          {"stochastic", drawn.precision(6)},
          {"the gradient twice", again.precision(6)},
          {"percentile", percentile.precision(6)},
          {"fewer bits backward", mixed}};
}

struct Results {
  std::vector<Tensor> y, dx;
  Tensor dw;
};

Results run(const Precision& precision, bool share) {
  Site site("lstm.layer0.hidden");
  PrecisionTable table;
  table.set(site.name, precision);
  std::vector<Parameter> x;
  for (int call = 0; call < kCalls; ++call)
    x.push_back({"x", test::random_tensor({rows_of(call), kTerms}, 10 + static_cast<uint64_t>(call), -1, 1), {}});
  Parameter w{"w", test::random_tensor({kTerms, kColumns}, 2, -1, 2), {}};
  Tape tape;
  const Context context{.tape = tape, .precision = table, .seed = 3, .step = 17};
  SharedRhs shared;
  const Var weight = tape.parameter(w);
  Results results;
  std::vector<Var> ys;
  for (int call = 0; call < kCalls; ++call) {
    Parameter& own = x[static_cast<size_t>(call)];
    ys.push_back(matmul(context, site, tape.parameter(own), weight, call, share ? &shared : nullptr));
    results.y.push_back(ys.back().value());
  }
  tape.backward(tape.record(Tensor::scalar(0), ys, [](Tensor) {
    std::vector<Tensor> grads;
    for (int call = 0; call < kCalls; ++call)
      grads.push_back(test::random_tensor({rows_of(call), kColumns}, 20 + static_cast<uint64_t>(call), -1, 1));
    return grads;
  }));
  for (const Parameter& own : x) results.dx.push_back(own.grad);
  results.dw = w.grad;
  return results;
}

}  // namespace

TEST_CASE("shared rhs: products and gradients are those of calls that share nothing") {
  for (const int threads : {1, 2}) {
    const test::ThreadCount count(threads);
    for (const Row& row : rows()) {
      CAPTURE(row.what);
      const Results own = run(row.precision, false), shared = run(row.precision, true);
      for (size_t call = 0; call < kCalls; ++call) {
        CHECK(same_bits(own.y[call], shared.y[call]));
        CHECK(same_bits(own.dx[call], shared.dx[call]));
      }
      CHECK(same_bits(own.dw, shared.dw));
    }
  }
}

TEST_CASE("shared rhs: a weight is quantized once, unless its rounding draws numbers") {
  SharedRhs shared;
  int made = 0;
  const auto quantize = [&] {
    ++made;
    return Operand();
  };
  const OperandPrecision nearest = Recipe{}.precision(6).products[ProductKind::forward].rhs;
  OperandPrecision drawn = nearest, narrow = nearest;
  drawn.rounding = Rounding::stochastic;
  narrow.bits = 4;
  shared.get(nearest, quantize);
  shared.get(nearest, quantize);
  CHECK(made == 1);
  shared.get(narrow, quantize);
  shared.get(nearest, quantize);
  CHECK(made == 2);
  CHECK(shared.get(nearest, quantize).panels);
  shared.get(drawn, quantize);
  CHECK_FALSE(shared.get(drawn, quantize).panels);
  CHECK(made == 4);
}
