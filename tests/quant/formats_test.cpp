// Every number format of the table, at every width, over ranges of all kinds.
#include "quant/formats/format.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/check.h"
#include "quant/operand.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

constexpr float kTiny = std::numeric_limits<float>::denorm_min();

struct Encoded {
  Grid grid;
  std::vector<int> levels;
  /// In float64: the lowest level of a huge range may stand for more than float32 holds.
  double value(size_t i) const { return double{grid.scale} * (levels[i] - grid.zero); }
};

std::vector<int> levels_of(const Operand& operand) {
  std::vector<int> levels;
  for (int64_t i = 0; i < operand.size(); ++i) levels.push_back(operand.level(i));
  return levels;
}

Encoded encode_values(const std::vector<float>& values, const OperandPrecision& precision, uint64_t stream = 0) {
  const Tensor tensor({static_cast<int64_t>(values.size())}, values);
  const gemm::PaddedImage plain{1, 1, tensor.size(), 1, 0, 0, 0, 0, 1};
  const std::string site = "test";
  const Range range = extremes(tensor.values(), {"test", site, 0});
  const std::vector<Grid> grids = fit_grids(precision, {&range, 1});
  return {grids.front(), levels_of(encode(tensor, plain, precision, grids, RandomKey{1, stream}))};
}

/// Rising values.
struct Data {
  std::string name;
  std::vector<float> values;
};

std::vector<float> spread(float low, float high, int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    const double part = double(i) / (count - 1);
    values.push_back(static_cast<float>(low * (1 - part) + high * part));
  }
  return values;
}

const std::vector<Data>& all_data() {
  static const std::vector<Data> data{
      {"around 0", spread(-1.3f, 2.1f, 997)},
      {"positive", spread(0.5f, 7.0f, 997)},
      {"negative", spread(-7.0f, -0.5f, 997)},
      {"mixed magnitudes", {-3e5f, -1.0f, -1e-7f, 0.0f, 1e-9f, 2e-3f, 5.0f, 1e6f}},
      {"huge", spread(-3e38f, 3e38f, 997)},
      {"huge on one side", {-1e-3f, 0.0f, 3.4e38f}},
      {"denormal", {-3 * kTiny, 0.0f, 40 * kTiny, 95 * kTiny, 190 * kTiny}},
      {"smallest normal", spread(-1.2e-38f, 4e-38f, 97)},
      {"two values", {-1.0f, 1.0f}},
      {"a negative zero", {-0.0f, 0.0f, 1.0f}},
  };
  return data;
}

template <typename Body>
void for_each_format(const Body& body) {
  for (const Format& format : formats()) {
    if (format.is_float()) continue;
    for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
      const std::string name(format.name);
      CAPTURE(name);
      CAPTURE(bits);
      body(OperandPrecision{&format, bits, Rounding::nearest});
    }
  }
}

}  // namespace

TEST_CASE("formats: levels fit the width, and real 0 is a level") {
  for_each_format([](const OperandPrecision& precision) {
    for (const Data& data : all_data()) {
      CAPTURE(data.name);
      const Encoded encoded = encode_values(data.values, precision);
      CHECK(encoded.grid.max_level < 1 << precision.bits);
      CHECK(encoded.grid.max_level >= (1 << precision.bits) - 2);
      CHECK((encoded.grid.zero >= 0 && encoded.grid.zero <= encoded.grid.max_level));
      CHECK((std::isfinite(encoded.grid.scale) && encoded.grid.scale > 0));
      for (size_t i = 0; i < data.values.size(); ++i) {
        REQUIRE((encoded.levels[i] >= 0 && encoded.levels[i] <= encoded.grid.max_level));
        if (data.values[i] == 0) CHECK(encoded.levels[i] == encoded.grid.zero);
      }
    }
  });
}

namespace {

/// What each rounding keeps to, by its number.
struct RoundingRow {
  Rounding rounding;
  bool monotone;
  double most;  ///< error, in steps
};

constexpr RoundingRow kRoundings[] = {{Rounding::nearest, true, 0.5},
                                      {Rounding::nearest_away, true, 0.5},
                                      {Rounding::toward_zero, true, 1},
                                      {Rounding::stochastic, false, 1}};
static_assert(std::size(kRoundings) == kernels::kRoundings);

}  // namespace

TEST_CASE("formats: nearest is within half a step, every other rounding within one, and all but one are monotone") {
  for_each_format([](OperandPrecision precision) {
    for (const RoundingRow& row : kRoundings) {
      precision.rounding = row.rounding;
      CAPTURE(static_cast<int>(row.rounding));
      for (const Data& data : all_data()) {
        CAPTURE(data.name);
        const Encoded encoded = encode_values(data.values, precision, 5);
        if (row.monotone) CHECK(std::is_sorted(encoded.levels.begin(), encoded.levels.end()));
        double worst = 0;
        for (size_t i = 0; i < data.values.size(); ++i)
          worst = std::max(worst, std::fabs(encoded.value(i) - data.values[i]) / encoded.grid.scale);
        // The scale and the ratio are rounded to 24 bits each, of at most 2^bits steps.
        CHECK(worst <= row.most + std::ldexp(1.0, precision.bits - 23));
      }
    }
  });
}

TEST_CASE("formats: decoded values come back as themselves") {
  for_each_format([](OperandPrecision precision) {
    for (const Data& data : all_data()) {
      CAPTURE(data.name);
      const Encoded first = encode_values(data.values, precision);
      std::vector<float> decoded;
      for (size_t i = 0; i < data.values.size(); ++i) decoded.push_back(first.grid.value(first.levels[i]));
      const Tensor tensor({static_cast<int64_t>(decoded.size())}, decoded);
      for (const Rounding rounding : {Rounding::nearest, Rounding::nearest_away, Rounding::stochastic})
        for (const int word : {0, 1, 32767, 32768, 65535}) {
          // A decoded value is rounded to float32: many steps from zero that shows in a draw of an extreme word.
          const bool middle = word == 32767 || word == 32768;
          if (rounding == Rounding::stochastic && precision.bits > 6 && !middle) continue;
          precision.rounding = rounding;
          CAPTURE(word);
          const std::vector<uint16_t> words(decoded.size(), static_cast<uint16_t>(word));
          CHECK(first.levels == levels_of(encode(tensor, {1, 1, tensor.size(), 1, 0, 0, 0, 0, 1}, precision,
                                                 {first.grid}, Noise(words))));
        }
    }
  });
}

TEST_CASE("formats: no grid clips an end of its range") {
  for_each_format([](const OperandPrecision& precision) {
    for (const Data& data : all_data()) {
      CAPTURE(data.name);
      const Encoded encoded = encode_values(data.values, precision);
      const auto [low, high] = std::minmax_element(data.values.begin(), data.values.end());
      CHECK(double{encoded.grid.scale} * -encoded.grid.zero <= *low);
      CHECK(double{encoded.grid.scale} * (encoded.grid.max_level - encoded.grid.zero) >= *high);
    }
  });
}

TEST_CASE("formats: both ends of the range are in use") {
  for_each_format([](const OperandPrecision& precision) {
    const Encoded wide = encode_values(spread(-1.3f, 2.1f, 997), precision);
    const bool symmetric = precision.format->name == "symmetric";
    // Affine: the zero point is rounded and the step grown to cover both ends. One end lies on the outermost level, the
    // other within a step of it.
    if (symmetric) {
      CHECK(wide.levels.back() == wide.grid.max_level);
    } else {
      CHECK(wide.levels.front() <= 1);
      CHECK(wide.levels.back() >= wide.grid.max_level - 1);
      CHECK((wide.levels.front() == 0 || wide.levels.back() == wide.grid.max_level));
      // Both ends lie within the grid: nothing is clipped.
      CHECK(wide.grid.value(0) <= -1.3f);
      CHECK(wide.grid.value(wide.grid.max_level) >= 2.1f);
    }
    // -1 and max - 1 steps: 0 falls on a level, and both ends are met exactly.
    const float top = static_cast<float>(wide.grid.max_level - (symmetric ? wide.grid.zero : 1));
    const Encoded whole = encode_values({symmetric ? -top : -1.0f, top}, precision);
    CHECK(whole.grid.scale == 1.0f);
    CHECK((whole.levels.front() == 0 && whole.levels.back() == whole.grid.max_level));
  });
}

TEST_CASE("formats: constants, zeros, one value and none decode exactly") {
  for_each_format([](const OperandPrecision& precision) {
    for (const float constant : {0.0f, -0.0f, 1.0f, -0.37f, 3.4e38f, -3.4e38f, kTiny, -kTiny, 5e-39f})
      for (const size_t count : {size_t{1}, size_t{2}, size_t{70}}) {
        CAPTURE(constant);
        CAPTURE(count);
        const Encoded encoded = encode_values(std::vector<float>(count, constant), precision);
        for (size_t i = 0; i < count; ++i) CHECK(encoded.value(i) == constant);
        if (constant == 0) CHECK(encoded.grid.scale == 1.0f);
      }
    const Range nothing;
    const Grid none = fit_grids(precision, {&nothing, 1}).front();
    CHECK(none.scale == 1.0f);
    CHECK((none.zero >= 0 && none.zero <= none.max_level));
  });
}

TEST_CASE("formats: grids worked by hand") {
  // 4 bits over [-1, 2]: scale 3/15 = 0.2, zero at 1/0.2 = 5, levels -1.0 ... 2.0.
  const Grid affine = fit_affine(-1.0f, 2.0f, 4);
  CHECK(affine.scale == 0.2f);
  CHECK((affine.zero == 5 && affine.max_level == 15));
  // The range is widened to hold 0: [2, 3] is [0, 3].
  CHECK(fit_affine(2.0f, 3.0f, 2).scale == 1.0f);
  CHECK(fit_affine(2.0f, 3.0f, 2).zero == 0);
  CHECK(fit_affine(-3.0f, -2.0f, 2).zero == 3);
  // However short a side, it has a level, and the grid covers it: 2 bits over [-3, 2^-70] is -2 ... 1 steps of 1.5.
  CHECK(fit_affine(-3.0f, 0x1p-70f, 2).scale == 1.5f);
  CHECK(fit_affine(-3.0f, 0x1p-70f, 2).zero == 2);
  // -low/scale = 1.5 for [-1.5, 1.5] in steps of 1: the half goes to the even 2.
  CHECK(fit_affine(-1.5f, 1.5f, 2).zero == 2);
  // 4 bits: codes -7 ... 7 of scale 3.5/7.
  const Grid symmetric = fit_symmetric(-1.0f, 3.5f, 4);
  CHECK(symmetric.scale == 0.5f);
  CHECK((symmetric.zero == 7 && symmetric.max_level == 14));
}

TEST_CASE("formats: found by name, and an unknown name lists the known") {
  for (const Format& format : formats()) CHECK(&find_format(format.name) == &format);
  CHECK(find_format("fp32").is_float());
  CHECK_FALSE(find_format("affine").is_float());
  for (const char* name : {"", "Affine", "affine ", "int8"}) {
    CAPTURE(name);
    try {
      find_format(name);
      FAIL("an unknown format was found");
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(message.find("'" + std::string(name) + "'") != std::string::npos);
      CHECK(message.find("fp32, symmetric, affine") != std::string::npos);
    }
  }
}
