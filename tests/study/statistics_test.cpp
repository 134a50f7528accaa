#include "study/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/check.h"

using namespace fqt::study;
using doctest::Approx;

namespace {

using Pairs = std::vector<std::pair<double, double>>;

}  // namespace

TEST_CASE("statistics: mean and sample deviation by hand") {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(mean(values) == 5);
  CHECK(sample_deviation(values) == Approx(std::sqrt(32.0 / 7)));
  CHECK(sample_deviation(std::vector<double>{3}) == 0);
}

TEST_CASE("statistics: quantiles of Student's t as in tables") {
  struct Row {
    double confidence;
    int freedom;
    double t;
  };
  for (const Row& row : {Row{0.95, 1, 12.7062}, Row{0.95, 2, 4.30265}, Row{0.95, 3, 3.18245}, Row{0.95, 4, 2.77645},
                         Row{0.95, 5, 2.57058}, Row{0.95, 10, 2.22814}, Row{0.95, 30, 2.04227}, Row{0.95, 120, 1.97993},
                         Row{0.99, 1, 63.6567}, Row{0.99, 4, 4.60409}, Row{0.99, 9, 3.24984}, Row{0.5, 1, 1.0},
                         Row{0.5, 7, 0.71114}, Row{0.999, 2, 31.5991}}) {
    CAPTURE(row.freedom);
    CHECK(student_quantile(row.confidence, row.freedom) == Approx(row.t).epsilon(5e-6));
  }
}

TEST_CASE("statistics: the tail of t has closed forms for one, two and many degrees of freedom") {
  for (const double t : {0.01, 0.3, 1.0, 2.5, 40.0}) {
    CAPTURE(t);
    CHECK(student_tail(t, 1) == Approx(1 - 2 / M_PI * std::atan(t)).epsilon(1e-10));
    CHECK(student_tail(t, 2) == Approx(1 - t / std::sqrt(2 + t * t)).epsilon(1e-10));
  }
  CHECK(student_tail(0, 5) == 1);
  CHECK(student_tail(1.959964, 1'000'000) == Approx(0.05).epsilon(1e-4));
}

TEST_CASE("statistics: an interval by hand") {
  const Interval interval = confidence_interval(std::vector<double>{1, 2, 3});
  CHECK(interval.low == Approx(2 - 4.30265 / std::sqrt(3.0)).epsilon(1e-5));
  CHECK(interval.high == Approx(2 + 4.30265 / std::sqrt(3.0)).epsilon(1e-5));
  CHECK_THROWS_AS(confidence_interval(std::vector<double>{1}), fqt::Error);
  CHECK_THROWS_AS(student_quantile(1, 3), fqt::Error);
}

TEST_CASE("statistics: a verdict needs two pairs, and an interval that leaves 0 out") {
  CHECK(compare(Pairs{}, true).verdict == Verdict::too_few_seeds);
  const Comparison one = compare(Pairs{{5, 3}}, true);
  CHECK(one.verdict == Verdict::too_few_seeds);
  CHECK(one.difference == 2);

  const Pairs up{{70, 68}, {71, 68.9}, {69, 67.1}};  // differences 2, 2.1, 1.9
  const Comparison better = compare(up, true);
  CHECK(better.pairs == 3);
  CHECK(better.difference == Approx(2));
  CHECK(better.deviation == Approx(0.1));
  CHECK(better.interval.low == Approx(2 - 4.30265 * 0.1 / std::sqrt(3.0)).epsilon(1e-5));
  CHECK(better.verdict == Verdict::better);
  CHECK(compare(up, false).verdict == Verdict::worse);

  CHECK(compare(Pairs{{70, 68}, {66, 68}, {69, 68}}, true).verdict == Verdict::no_difference_found);
  CHECK(compare(Pairs{{70, 70}, {66, 66}}, true).verdict == Verdict::no_difference_found);
  for (const Pairs& alike : {Pairs{{70, 68}, {66, 64}}, Pairs{{70.3, 68.1}, {66.4, 64.2}, {61.9, 59.7}}}) {
    CHECK(compare(alike, true).verdict == Verdict::too_few_seeds);
    CHECK(compare(alike, true).difference == Approx(alike[0].first - alike[0].second));
  }
  CHECK(compare(Pairs{{70.01, 70}, {66.0100001, 66}}, true).verdict == Verdict::better);
  CHECK(name_of(Verdict::no_difference_found) == "no difference found");
}
