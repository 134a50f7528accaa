#include "quant/range.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/parallel.h"
#include "support/random_tensor.h"

using namespace fqt;
using namespace fqt::quant;

namespace {
const std::string kAnySite = "site";
}  // namespace

TEST_CASE("range: the smallest and largest, wherever they stand and however many threads look") {
  const int before = threads();
  Tensor values = test::random_tensor({200003}, 1, -1, 1);
  for (const int64_t at : {0, 1, 99999, 200002}) {
    Tensor moved = values.clone();
    moved.data()[at] = -3;
    moved.data()[(at + 70000) % 200003] = 4;
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      const Range range = extremes(moved.values(), {"lhs", kAnySite, 0});
      CHECK((range.low == -3 && range.high == 4));
    }
  }
  set_threads(before);
  CHECK((extremes({}, {"lhs", kAnySite, 0}).low == 0 && extremes({}, {"lhs", kAnySite, 0}).high == 0));
}

TEST_CASE("range: a negative zero never shows") {
  // Which of two zeros is met first depends on the threads.
  for (const std::vector<float>& values :
       {std::vector<float>{-0.0f}, {-0.0f, 0.0f}, {0.0f, -0.0f}, {-0.0f, 1.0f}, {-1.0f, -0.0f}}) {
    const Range range = extremes(values, {"lhs", kAnySite, 0});
    if (range.low == 0) CHECK_FALSE(std::signbit(range.low));
    if (range.high == 0) CHECK_FALSE(std::signbit(range.high));
  }
}

TEST_CASE("range: NaN and infinity are an error that names site, operand and step") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
    for (const size_t at : {size_t{0}, size_t{50}, size_t{100}}) {
      const std::string site = "stage2.block0.conv1";
      std::vector<float> values(101, 1.0f);
      values[at] = bad;
      try {
        extremes(values, {"rhs", site, 1234});
        FAIL("no error");
      } catch (const Error& error) {
        const std::string message = error.what();
        CAPTURE(message);
        CHECK(error.kind() == ErrorKind::data);
        for (const char* part : {"rhs", "'stage2.block0.conv1'", "step 1235", "NaN or infinity"})
          CHECK(message.find(part) != std::string::npos);
      }
    }
}

TEST_CASE("range: the running average starts at the first batch and moves by one minus the momentum") {
  Tensor running = Tensor::zeros({2});
  update_running(running, {-1, 2}, 0.75);
  CHECK((running.data()[0] == -1 && running.data()[1] == 2));
  // 0.75 * -1 + 0.25 * -3 = -1.5; 0.75 * 2 + 0.25 * 4 = 2.5: exact in binary.
  update_running(running, {-3, 4}, 0.75);
  CHECK((running.data()[0] == -1.5f && running.data()[1] == 2.5f));
  // 0.9 and 0.1 are rounded: it must settle on the range all the same.
  for (int i = 0; i < 1000; ++i) update_running(running, {-5, 7}, 0.9);
  CHECK(running.data()[0] == doctest::Approx(-5).epsilon(1e-6));
  CHECK(running.data()[1] == doctest::Approx(7).epsilon(1e-6));
}

TEST_CASE("range: extremes that a tensor has noted are taken as they are, and must be finite") {
  const OperandName name{"lhs", kAnySite, 4};
  Tensor values({3}, std::vector<float>{1, 2, 3});
  CHECK(estimate_range(values, 1, {}, name).high == 3);
  values.note_extremes(kernels::Extremes{1, 7, true});
  CHECK(estimate_range(values, 1, {}, name).high == 7);
  values.note_extremes(kernels::Extremes{1, 3, false});
  CHECK_THROWS_WITH_AS(
      estimate_range(values, 1, {}, name),
      "[product] lhs of site 'site' holds NaN or infinity in step 5: training has diverged or its input is damaged",
      Error);
}
