// What a probe is shown of a product: the operands as they were multiplied, and the values behind their levels.
#include "quant/probe.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "engine/gemm/terms.h"
#include "quant/product_fixture.h"
#include "quant/whole.h"

using namespace fqt;
using namespace fqt::quant;
using test::Doubles;
using test::integer_precision;
using test::ProductFixture;
using test::range_of;

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
int wrong_levels(const Multiplication& multiplied, const Doubles& expected) {
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

/// Keeps it all.
struct Recorder : Probe {
  struct Row {
    ProductKind product;
    int64_t terms, largest_sum, accumulator_peak;
    OperandStatistics lhs, rhs;
  };
  std::vector<Row> rows;
  void observe(const Observation& o) override {
    rows.push_back({o.product, o.terms, o.largest_sum, o.accumulator_peak, o.lhs, o.rhs});
  }
};

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
        CHECK(wrong_levels(observation.multiplied, expected[observation.product]) == 0);
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

TEST_CASE("probe: it sees all three products and changes none") {
  const Precision precision = integer_precision(6);
  ProductFixture plain(test::kGeometries[0].geometry(), precision), probed(test::kGeometries[0].geometry(), precision);
  Recorder recorder;
  probed.probe = &recorder;
  const Tensor expected = plain.run(), y = probed.run();
  CHECK(std::equal(y.data(), y.data() + y.size(), expected.data()));
  CHECK(std::equal(plain.w.grad.data(), plain.w.grad.data() + plain.w.grad.size(), probed.w.grad.data()));
  REQUIRE(recorder.rows.size() == 3);
  const ConvGeometry& g = probed.geometry;
  CHECK((recorder.rows[0].product == ProductKind::forward && recorder.rows[0].terms == g.k()));
  CHECK((recorder.rows[1].product == ProductKind::grad_lhs && recorder.rows[1].terms == 9 * g.n()));
  CHECK((recorder.rows[2].product == ProductKind::grad_rhs && recorder.rows[2].terms == g.m()));
  for (const Recorder::Row& row : recorder.rows) {
    CHECK(row.largest_sum > 0);
    CHECK(row.largest_sum <= row.accumulator_peak);
    CHECK(row.accumulator_peak <= row.terms * 63 * 63);
    for (const OperandStatistics& operand : {row.lhs, row.rhs}) {
      CHECK(operand.clip_rate == 0);  // extremes clip nothing
      CHECK(operand.sqnr_db > 20);
      CHECK(operand.levels_used > 0.5);
    }
  }
  const OperandStatistics& x = recorder.rows[0].lhs;
  CHECK((x.low == range_of(probed.x.value).low && x.high == range_of(probed.x.value).high));
  int64_t counted = 0;
  for (const int64_t count : x.histogram) counted += count;
  CHECK(counted == probed.x.value.size());
}

TEST_CASE("probe: depthwise convolutions, which are seen channel by channel, are what they are unseen") {
  for (const Precision& precision : {integer_precision(6), Precision()})
    for (const size_t row : {10, 11}) {
      const ConvGeometry g = test::kGeometries[row].geometry();
      ProductFixture plain(g, precision), probed(g, precision);
      Recorder recorder;
      probed.probe = &recorder;
      CHECK(test::same_bits(plain.run(), probed.run()));
      CHECK(test::same_bits(plain.x.grad, probed.x.grad));
      CHECK(test::same_bits(plain.w.grad, probed.w.grad));
      CHECK(recorder.rows.size() == 3);
    }
}

TEST_CASE("probe: sums may be larger on their way than in the end") {
  // Steps of 1 from -8 to 7. Row sums of X times ones: 7, 14, 6, -2, 0 and -8, -15, -8, -1, 0.
  Precision precision = integer_precision(4);
  const auto forward = [&](int64_t chunk) {
    precision.accumulator.chunk = chunk;
    ProductFixture fixture(ConvGeometry::matrix(2, 5, 1), precision);
    fixture.x.value = Tensor({1, 2, 5, 1}, std::vector<float>{7, 7, -8, -8, 2, -8, -7, 7, 7, 1}).reshape({2, 5});
    fixture.w.value = Tensor::full({5, 1}, 1.0f);
    fixture.dy = Tensor::full({2, 1}, 1.0f);
    Recorder recorder;
    fixture.probe = &recorder;
    fixture.run();
    return recorder.rows.front();
  };
  CHECK(forward(0).largest_sum == 0);
  CHECK(forward(0).accumulator_peak == 15);
  // Of three: 7, 14, 6 and -8, -6; -8, -15, -8 and 7, 8.
  CHECK(forward(3).accumulator_peak == 15);
  // Of two: 7, 14 and -8, -16 and 2.
  CHECK(forward(2).accumulator_peak == 16);
}

TEST_CASE("probe: statistics of an operand, by hand") {
  // Steps of 1 from -1 to 2: -1, 0.25 -> 0, 2, 4 -> 2. Errors 0, 0.25, 0, 2; 4 is clipped; 3 of 4 levels are met.
  const Tensor values({4}, std::vector<float>{-1, 0.25f, 2, 4});
  const gemm::PaddedImage plain{1, 1, 4, 1, 0, 0, 0, 0, 1};
  const OperandPrecision precision{&find_format("affine"), 2};
  const OperandStatistics s = measure(values, plain, precision, encode(values, plain, precision, {{1.0f, 1, 3}}, {}));
  CHECK(s.clip_rate == 0.25);
  CHECK(s.levels_used == 0.75);
  CHECK(s.histogram == std::vector<int64_t>{1, 1, 0, 2});
  CHECK(s.sqnr_db == doctest::Approx(10 * std::log10((1 + 0.0625 + 4 + 16) / (0.0625 + 4))));
}
