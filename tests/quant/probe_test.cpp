// What a probe is shown of a product: the operands as they were multiplied, and the values behind their levels.
#include "quant/probe.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>

#include "engine/gemm/terms.h"
#include "quant/product_fixture.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::ProductFixture;

namespace {

/// Hands on what it is shown.
struct Watcher : Probe {
  std::function<void(const Observation&)> watch;
  bool values = true, all = true;
  bool wants(const Site&) const override { return all; }
  bool wants_values() const override { return values; }
  void observe(const Observation& observation) override { watch(observation); }
};

/// Elements of a result that differ from what the terms its gather names add up to: of the values before rounding,
/// `expected`, and of the levels.
int mismatches(const Multiplication& multiplied, const Doubles& expected) {
  int count = 0;
  const auto& [products, lhs, rhs, accumulator, result] = multiplied;
  for (const gemm::GatherProduct& product : products) {
    const gemm::TermOffsets offsets = gemm::term_offsets(product);
    count += static_cast<int64_t>(offsets.lhs.size()) != product.terms;
    for (int64_t row = 0; row < product.rows(); ++row)
      for (int64_t column = 0; column < product.rhs.columns; ++column) {
        double values = 0;
        int64_t sum = 0;
        for (size_t k = 0; k < offsets.lhs.size(); ++k) {
          const int64_t a = product.lhs.rows[static_cast<size_t>(row)] + offsets.lhs[k];
          const int64_t b = offsets.rhs[k] + column * product.rhs.column_stride;
          values += double{lhs.values->floats()[static_cast<size_t>(a)]} * rhs.values->floats()[static_cast<size_t>(b)];
          if (!lhs.is_float()) sum += int64_t{lhs.level(a) - lhs.grids[0].zero} * (rhs.level(b) - rhs.grids[0].zero);
        }
        const size_t index = static_cast<size_t>(product.out_offset(row) + column);
        count += std::abs(values - expected[index]) > 1e-9;
        if (lhs.is_float()) continue;
        int64_t alone = 0;
        const gemm::GatherProduct single = gemm::single_element(product, row, column);
        integer_sums(single, lhs, rhs, {&alone, 1});
        const double scale = double{lhs.grids[0].scale} * double{rhs.grids[0].scale};
        count += alone != sum || static_cast<size_t>(single.out_offset(0)) != index;
        count += result.data()[index] != static_cast<float>(static_cast<double>(sum) * scale);
      }
  }
  return count;
}

Doubles doubles(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

}  // namespace

TEST_CASE("probe: operands, the values behind them and where each term lies, for every geometry") {
  for (const auto& row : test::kGeometries)
    for (const Precision& precision : {integer_precision(6), integer_precision(12), Precision{}}) {
      ProductFixture fixture(row.geometry(), precision);
      const test::NaiveProducts naive = test::naive_products(fixture.geometry, doubles(fixture.x.value),
                                                             doubles(fixture.w.value), doubles(fixture.dy));
      const ByProduct<Doubles> expected{{{naive.y, naive.dx, naive.dw}}};
      int seen = 0;
      Watcher watcher;
      watcher.watch = [&](const Observation& observation) {
        ++seen;
        CHECK(mismatches(observation.multiplied, expected[observation.product]) == 0);
      };
      fixture.probe = &watcher;
      fixture.run();
      CHECK(seen == 3);
    }
}

TEST_CASE("probe: one that does not ask is shown no values, one that wants nothing is told nothing") {
  ProductFixture fixture(test::kGeometries[0].geometry(), integer_precision(6));
  int seen = 0;
  Watcher watcher;
  watcher.values = false;
  watcher.watch = [&](const Observation& observation) {
    ++seen;
    CHECK((!observation.multiplied.lhs.values && !observation.multiplied.rhs.values));
  };
  fixture.probe = &watcher;
  fixture.run();
  CHECK(seen == 3);
  watcher.all = false;
  fixture.run();
  CHECK(seen == 3);
}

TEST_CASE("probe: the accumulator of each product, in words") {
  const auto words = [](Precision precision, const gemm::AccumulatorFormat& accumulator = {}) {
    ProductFixture fixture(ConvGeometry::matrix(40, 30, 20), precision);
    precision.accumulator = accumulator;
    fixture.table.set(fixture.site.name, precision);
    std::vector<std::string> all;
    Watcher watcher;
    watcher.watch = [&](const Observation& observation) { all.push_back(observation.accumulator); };
    fixture.probe = &watcher;
    fixture.run();
    return all;
  };
  using Words = std::vector<std::string>;
  // Symmetric levels run from 0 to 254 around 127, and to 65534 around 32767: less the bias of 32768, -32768 to 32766.
  CHECK(words(integer_precision(8, "symmetric")) == Words{"int32: 30 terms of at most 254 x 127 stay below 2^31",
                                                          "int32: 20 terms of at most 254 x 127 stay below 2^31",
                                                          "int32: 40 terms of at most 254 x 127 stay below 2^31"});
  for (const std::string& wide : words(integer_precision(16, "symmetric")))
    CHECK(wide ==
          "int64: right differences are split as 256 high + low, and int32 holds runs of 257 terms of at most 32768 x "
          "255, which are added up");
  CHECK(words({}) == Words(3, "float32: one fused multiply-add after another"));
  CHECK(words(integer_precision(6), {12, true, 4}) ==
        Words(3, "emulated: 12 bits, which saturate, over chunks of 4 terms"));
}
