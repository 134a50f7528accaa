#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace fqt::study {

/// Of at least one value.
double mean(std::span<const double> values);

/// sqrt(sum (x - mean)^2 / (n - 1)); 0 for a single value, of which nothing is known.
double sample_deviation(std::span<const double> values);

/// P(|T| > t) of Student's t with `freedom` degrees of freedom, at least 1: I_x(freedom / 2, 1 / 2) at
/// x = freedom / (freedom + t^2) (Abramowitz and Stegun 26.7.1 and 26.5.27), I being the regularized incomplete beta
/// function by its continued fraction (26.5.8).
double student_tail(double t, int freedom);

/// The t that |T| stays below with probability `confidence`: 12.706 for 0.95 and 1. By bisection of student_tail.
double student_quantile(double confidence, int freedom);

struct Interval {
  double low = 0, high = 0;
};

constexpr double kConfidence = 0.95;

/// Of the mean of at least two values drawn from a normal distribution: mean -+ t s / sqrt(n), with n - 1 degrees of
/// freedom, s being their sample deviation.
Interval confidence_interval(std::span<const double> values, double confidence = kConfidence);

enum class Verdict { better, worse, no_difference_found, too_few_seeds };

/// "better", "no difference found"
std::string_view name_of(Verdict verdict);

/// How one way of training compares with another over seeds that both were run with.
struct Comparison {
  int pairs = 0;
  double difference = 0;  ///< mean of first minus second, seed by seed; 0 without pairs
  double deviation = 0;   ///< of these differences
  Interval interval;      ///< 95 % for their mean; empty below two pairs
  Verdict verdict = Verdict::too_few_seeds;
};

/// Pairs are (first, second), one for each seed. With fewer than two pairs the verdict is "too few seeds"; so it is
/// where all differences are the same and not 0, but for rounding, for then nothing is known of their spread and the
/// interval has no width. Else it is "no difference found" where the 95 % confidence interval of the mean difference
/// holds 0, its ends included; else the first is "better" or "worse", as the sign of the difference says. Nothing is
/// corrected for how many comparisons are made: of twenty without a difference, one is expected to be called better or
/// worse.
Comparison compare(std::span<const std::pair<double, double>> pairs, bool higher_is_better);

}  // namespace fqt::study
