#pragma once

#include <cstdint>

// Elementary functions from IEEE additions, multiplications, divisions and integer arithmetic alone. libm's differ
// between its own versions and between instruction sets; these give the same bits everywhere. They hold no branch, so
// that a loop over them vectorizes, and have internal linkage, because kernels include this file once for every
// instruction set and the linker must not swap their copies.

namespace fqt::math {
namespace detail {

static constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // ln 2 in 42 bits: times an exponent it is exact
static constexpr double kLn2Low = 0x1.ef35793c76730p-45;
static constexpr double kPi = 0x1.921fb54442d18p+1;
/// x + kRounder leaves x rounded to an integer (halves to even) in the low bits, for |x| < 2^51.
static constexpr double kRounder = 0x1.8p52;

static inline int64_t bits(double x) { return __builtin_bit_cast(int64_t, x); }
static inline double from_bits(int64_t x) { return __builtin_bit_cast(double, x); }
static inline double abs(double x) { return from_bits(bits(x) & INT64_MAX); }
/// 2^n for -1022 <= n <= 1023, modulo 2^64.
static inline double power_of_two(uint64_t n) { return from_bits(static_cast<int64_t>((n + 1023) << 52)); }

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
static inline double polynomial(double, double c0) { return c0; }
template <typename... Rest>
static inline double polynomial(double x, double c0, Rest... rest) {
  return c0 + x * polynomial(x, rest...);
}

}  // namespace detail

// float64: relative error at most 1e-14 where the result is a normal number; infinities and NaN as IEEE.

static inline double exp(double x) {
  using namespace detail;
  const double rounded = x * (1.0 / 0x1.62e42fefa39efp-1) + kRounder;
  const uint64_t n = uint64_t(bits(rounded)) - uint64_t(bits(kRounder));
  const double whole = rounded - kRounder;
  const double r = (x - whole * kLn2High) - whole * kLn2Low;  // |r| <= ln(2) / 2: Taylor's series of exp
  const double series = polynomial(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040,
                                   1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600);
  // 2^n in two factors, for n from -1076 to 1076, modulo 2^64. An arithmetic shift of 64 bits is missing from AVX2.
  const uint64_t half = ((n + 2048) >> 1) - 1024;
  const double result = series * power_of_two(half) * power_of_two(n - half);
  return x > 710.0 ? __builtin_inf() : x < -746.0 ? 0.0 : result;
}

static inline double log(double x) {
  using namespace detail;
  const bool tiny = x < 0x1p-1022;
  const double normal = tiny ? x * 0x1p54 : x;
  // normal = 2^k m with m in [sqrt(1/2), sqrt(2)): the exponent counts from the bits of sqrt(1/2).
  const uint64_t offset = uint64_t(bits(normal)) - uint64_t(bits(0x1.6a09e667f3bcdp-1)) + (uint64_t(1024) << 52);
  const int64_t k = static_cast<int64_t>(offset >> 52);
  const double exponent = from_bits(k + bits(kRounder)) - kRounder - (tiny ? 1078.0 : 1024.0);
  const double m = from_bits(static_cast<int64_t>((offset & 0xfffffffffffffu) + uint64_t(bits(0x1.6a09e667f3bcdp-1))));
  const double s = (m - 1.0) / (m + 1.0);  // log m = 2 artanh s
  const double tail =
      polynomial(s * s, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21);
  const double result = exponent * kLn2High + (2.0 * s + (2.0 * s * (s * s * tail) + exponent * kLn2Low));
  const double outside = x == 0.0 ? -__builtin_inf() : x > 0.0 ? x : __builtin_nan("");  // 0, infinity; negative, NaN
  return x > 0.0 && x < __builtin_inf() ? result : outside;
}

namespace detail {

/// cos (quarter 0) or sin (quarter 3) of 2 pi turns, for turns >= 0.
static inline double circle(double turns, int64_t quarter) {
  const double whole = turns < 0x1p52 ? (turns + 0x1p52) - 0x1p52 : turns;
  const double part = turns - whole;  // exact, in [-1/2, 1/2]
  const double rounded = part * 4.0 + kRounder;
  const double angle = (part - (rounded - kRounder) * 0.25) * (2.0 * kPi);  // in [-pi/4, pi/4]
  const double square = angle * angle;
  const double cosine = polynomial(square, 1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800,
                                   1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000);
  const double sine = angle * polynomial(square, 1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                                         1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000);
  const int64_t quarters = bits(rounded) + quarter;  // cos(x + pi/2) = -sin x, and so on round the circle
  const double value = (quarters & 1) != 0 ? sine : cosine;
  return ((quarters + 1) & 2) != 0 ? -value : value;
}

}  // namespace detail

/// cos(2 pi turns)
static inline double cos_turns(double turns) { return detail::circle(detail::abs(turns), 0); }

/// sin(2 pi turns)
static inline double sin_turns(double turns) {
  const double value = detail::circle(detail::abs(turns), 3);
  return turns > 0.0 ? value : turns < 0.0 ? -value : turns;
}

// float32, through float64: at most 0.501 units in the last place from the exact value over the whole range.

static inline float exp(float x) { return static_cast<float>(exp(static_cast<double>(x))); }
static inline float log(float x) { return static_cast<float>(log(static_cast<double>(x))); }
static inline float cos_turns(float turns) { return static_cast<float>(cos_turns(static_cast<double>(turns))); }
static inline float sin_turns(float turns) { return static_cast<float>(sin_turns(static_cast<double>(turns))); }

static inline float sigmoid(float x) { return static_cast<float>(1.0 / (1.0 + exp(-static_cast<double>(x)))); }

static inline float tanh(float x) {
  const double wide = x;
  const double decay = exp(-2.0 * detail::abs(wide));
  const double far = (1.0 - decay) / (1.0 + decay);
  const double near = wide * (1.0 - wide * wide * (1.0 / 3));  // where 1 - decay cancels
  return static_cast<float>(detail::abs(wide) < 1e-3 ? near : wide < 0.0 ? -far : far);
}

static inline float erf(float x) {
  using detail::polynomial;
  const double wide = x;
  const double square = wide * wide;
  // Below 1, Taylor's series.
  const double near =
      wide * (2.0 / 0x1.c5bf891b4ef6bp+0) *
      polynomial(square, 1.0, -1.0 / 3, 1.0 / 10, -1.0 / 42, 1.0 / 216, -1.0 / 1320, 1.0 / 9360, -1.0 / 75600,
                 1.0 / 685440, -1.0 / 6894720, 1.0 / 76204800, -1.0 / 918086400, 1.0 / 11975040000);
  // From 1 to 4, exp(x^2) erfc(x) (x + 2) as a polynomial in u = (x - 2) / (x + 2): Chebyshev interpolation of degree 8
  // over -1/3 <= u <= 1/3, relative error 2.2e-11. Beyond 4, erf rounds to 1.
  const double size = detail::abs(wide) < 4.0 ? detail::abs(wide) : square != square ? square : 4.0;
  const double u = (size - 2.0) / (size + 2.0);
  const double scaled = polynomial(u, 1.02158270524, -0.68716068464, 0.279472091811, -0.0364422044969, -0.0215105723881,
                                   0.00647832423274, 0.00308770192181, -0.000827371927527, -0.000627864965112);
  const double far = 1.0 - exp(-size * size) * scaled / (size + 2.0);
  return static_cast<float>(detail::abs(wide) < 1.0 ? near : wide < 0.0 ? -far : far);
}

}  // namespace fqt::math
