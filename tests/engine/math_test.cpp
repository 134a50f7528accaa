#include "engine/math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/random.h"
#include "support/special_values.h"

using namespace fqt;
using test::kInfinity;
using test::kNan;

namespace {

/// Distance of `value` from `exact` in units of the float32 grid at `exact`.
double ulps(float value, long double exact) {
  const long double limit = std::numeric_limits<float>::max();
  if (std::fabs(exact) > limit) return std::isinf(value) ? 0 : 1e9;
  const int exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  return static_cast<double>(std::fabs(value - exact) / std::ldexp(1.0L, exponent - 23));
}

/// The largest error over every 2003rd float32, of both signs and all exponents.
template <typename Function, typename Exact>
double worst(Function function, Exact exact) {
  double largest = 0;
  for (uint64_t pattern = 0; pattern <= 0xffffffffu; pattern += 2003) {
    const float x = __builtin_bit_cast(float, static_cast<uint32_t>(pattern));
    const long double expected = exact(static_cast<long double>(x));
    const double error = std::isnan(expected) ? (std::isnan(function(x)) ? 0 : 1e9) : ulps(function(x), expected);
    largest = std::max(largest, error);
  }
  return largest;
}

/// cos(2 pi x), reduced exactly before libm sees it.
long double exact_cos(long double x) { return std::cos(std::remainder(x, 1.0L) * 2 * std::acos(-1.0L)); }

long double exact_sin(long double x) {
  const long double part = std::remainder(x, 1.0L);
  const long double folded = part > 0.25L ? 0.5L - part : part < -0.25L ? -0.5L - part : part;  // sin(pi) is 0
  return std::sin(folded * 2 * std::acos(-1.0L));
}

}  // namespace

TEST_CASE("math: float32 functions stay within 0.501 units in the last place") {
  CHECK(worst([](float x) { return math::exp(x); }, [](long double x) { return std::exp(x); }) < 0.501);
  CHECK(worst([](float x) { return math::log(x); }, [](long double x) { return std::log(x); }) < 0.501);
  CHECK(worst([](float x) { return math::tanh(x); }, [](long double x) { return std::tanh(x); }) < 0.501);
  CHECK(worst([](float x) { return math::erf(x); }, [](long double x) { return std::erf(x); }) < 0.501);
  CHECK(worst([](float x) { return math::sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); }) < 0.501);
  CHECK(worst([](float x) { return math::sin_turns(x); }, exact_sin) < 0.501);
  // cos at a quarter turn goes through 0: sin of the distance from there has no such cancellation.
  CHECK(worst([](float x) { return math::cos_turns(x); },
              [](long double x) {
                const long double part = std::fabs(std::remainder(x, 1.0L));
                return part > 0.125L ? exact_sin(0.25L - part) : exact_cos(part);
              }) < 0.501);
}

TEST_CASE("math: float64 functions stay within 1e-14") {
  double exp_error = 0, log_error = 0, cos_error = 0;
  const RandomKey key{1, 2};
  for (uint64_t i = 0; i < 200000; ++i) {
    const double unit = random_word(key, i) * 0x1p-32 + random_word(key, i + 1) * 0x1p-64;
    const auto relative = [](double value, long double exact) {
      return static_cast<double>(std::fabs(value / exact - 1));
    };
    const double x = unit * 1417 - 708;  // exp(x) is normal
    exp_error = std::max(exp_error, relative(math::exp(x), std::exp(static_cast<long double>(x))));
    const double positive = std::ldexp(unit + 0x1p-60, static_cast<int>(random_below(key, i, 2044)) - 1020);
    log_error = std::max(log_error, relative(math::log(positive), std::log(static_cast<long double>(positive))));
    const double near_one = 1 + (unit - 0.5) * std::ldexp(1.0, -static_cast<int>(i % 50));
    if (near_one != 1)
      log_error = std::max(log_error, relative(math::log(near_one), std::log(static_cast<long double>(near_one))));
    cos_error = std::max(cos_error, static_cast<double>(std::fabs(math::cos_turns(unit * 8 - 4) -
                                                                  exact_cos(static_cast<long double>(unit * 8 - 4)))));
  }
  CHECK(exp_error < 1e-14);
  CHECK(log_error < 1e-14);
  CHECK(cos_error < 1e-14);
}

TEST_CASE("math: special values") {
  CHECK(math::exp(0.0f) == 1);
  CHECK(math::exp(kInfinity) == kInfinity);
  CHECK(math::exp(-kInfinity) == 0);
  CHECK(math::exp(89.0f) == kInfinity);
  CHECK(math::exp(-104.0f) == 0);
  CHECK(std::isnan(math::exp(kNan)));
  CHECK(math::exp(1e300) == std::numeric_limits<double>::infinity());
  CHECK(math::exp(-1e300) == 0);
  CHECK(math::exp(-745.0) == std::numeric_limits<double>::denorm_min());

  CHECK(math::log(1.0f) == 0);
  CHECK(math::log(0.0f) == -kInfinity);
  CHECK(math::log(-0.0f) == -kInfinity);
  CHECK(math::log(kInfinity) == kInfinity);
  CHECK(std::isnan(math::log(-1.0f)));
  CHECK(std::isnan(math::log(-kInfinity)));
  CHECK(std::isnan(math::log(kNan)));
  CHECK(math::log(std::numeric_limits<double>::denorm_min()) == doctest::Approx(-744.4400719213812).epsilon(1e-15));

  CHECK(math::tanh(kInfinity) == 1);
  CHECK(math::tanh(-kInfinity) == -1);
  CHECK(std::signbit(math::tanh(-0.0f)));
  CHECK(std::isnan(math::tanh(kNan)));
  CHECK(math::sigmoid(0.0f) == 0.5f);
  CHECK(math::sigmoid(-kInfinity) == 0);
  CHECK(math::sigmoid(kInfinity) == 1);
  CHECK(math::erf(kInfinity) == 1);
  CHECK(math::erf(-kInfinity) == -1);
  CHECK(std::signbit(math::erf(-0.0f)));
  CHECK(std::isnan(math::erf(kNan)));
}

TEST_CASE("math: quarter turns are exact") {
  const float cosines[] = {1, 0, -1, 0};
  for (int quarter = -8; quarter <= 8; ++quarter) {
    const float turns = static_cast<float>(quarter) / 4;
    CHECK(math::cos_turns(turns) == cosines[quarter & 3]);
    CHECK(math::sin_turns(turns) == cosines[(quarter - 1) & 3]);
  }
  CHECK(math::cos_turns(1e30f) == 1);  // every float32 this large is a whole number
  CHECK(std::isnan(math::cos_turns(kInfinity)));
  CHECK(std::isnan(math::sin_turns(kNan)));
}
