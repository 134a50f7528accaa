#include "study/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/check.h"
#include "engine/math.h"

namespace fqt::study {
namespace {

/// Beta(freedom / 2, 1 / 2), from Beta(1/2, 1/2) = pi, Beta(1, 1/2) = 2 and Beta(a + 1, b) = Beta(a, b) a / (a + b).
double beta_of_half(int freedom) {
  double a = freedom % 2 == 1 ? 0.5 : 1;
  double beta = freedom % 2 == 1 ? std::numbers::pi : 2;
  for (; a < 0.5 * freedom; ++a) beta *= a / (a + 0.5);
  return beta;
}

/// The continued fraction 1 / (1 + d1 / (1 + d2 / ...)) of Abramowitz and Stegun 26.5.8, evaluated from the front
/// (Lentz 1976): it converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double x, double a, double b) {
  constexpr int kMostTerms = 10'000;
  constexpr double kTiny = 1e-300, kExact = 1e-16;
  const auto nonzero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonzero(1 + even * d);
    c = nonzero(1 + even / c);
    value *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonzero(1 + odd * d);
    c = nonzero(1 + odd / c);
    value *= c * d;
    if (std::abs(c * d - 1) < kExact) break;
  }
  return value;
}

/// Whether values differ by no more than the rounding of the subtractions that they come from.
bool all_alike(std::span<const std::pair<double, double>> pairs, double deviation) {
  double most = 0;
  for (const auto& [first, second] : pairs) most = std::max({most, std::abs(first), std::abs(second)});
  return deviation <= 1e-14 * most;
}

}  // namespace

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double sample_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double student_tail(double t, int freedom) {
  const double a = 0.5 * freedom, b = 0.5, square = t * t;
  const double x = freedom / (freedom + square), rest = square / (freedom + square);
  if (rest == 0) return 1;
  const double front = math::exp(a * math::log(x) + b * math::log(rest)) / beta_of_half(freedom);
  // I_x(a, b) = 1 - I_(1-x)(b, a): the one of them whose fraction converges fast.
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
  return 1 - front * beta_fraction(rest, b, a) / b;
}

double student_quantile(double confidence, int freedom) {
  check(confidence > 0 && confidence < 1 && freedom >= 1,
        "[statistics] a confidence of {} with {} degrees of freedom; give one between 0 and 1, and at least 1",
        confidence, freedom);
  double low = 0, high = 1;
  while (student_tail(high, freedom) > 1 - confidence) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (student_tail(middle, freedom) > 1 - confidence ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Interval confidence_interval(std::span<const double> values, double confidence) {
  check(values.size() >= 2, "[statistics] a confidence interval needs two values or more, not {}", values.size());
  const int freedom = static_cast<int>(values.size()) - 1;
  const double half =
      student_quantile(confidence, freedom) * sample_deviation(values) / std::sqrt(static_cast<double>(values.size()));
  const double middle = mean(values);
  return {middle - half, middle + half};
}

std::string_view name_of(Verdict verdict) {
  constexpr std::string_view kNames[] = {"better", "worse", "no difference found", "too few seeds"};
  return kNames[static_cast<size_t>(verdict)];
}

Comparison compare(std::span<const std::pair<double, double>> pairs, bool higher_is_better) {
  Comparison comparison;
  comparison.pairs = static_cast<int>(pairs.size());
  if (pairs.empty()) return comparison;
  std::vector<double> differences;
  for (const auto& [first, second] : pairs) differences.push_back(first - second);
  comparison.difference = mean(differences);
  if (differences.size() < 2) return comparison;
  comparison.deviation = sample_deviation(differences);
  comparison.interval = confidence_interval(differences);
  if (comparison.difference != 0 && all_alike(pairs, comparison.deviation)) return comparison;
  const bool holds_zero = comparison.interval.low <= 0 && comparison.interval.high >= 0;
  comparison.verdict = holds_zero                                        ? Verdict::no_difference_found
                       : (comparison.difference > 0) == higher_is_better ? Verdict::better
                                                                         : Verdict::worse;
  return comparison;
}

}  // namespace fqt::study
