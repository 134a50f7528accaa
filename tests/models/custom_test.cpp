#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/trace.h"
#include "quant/plan/metric.h"
#include "quant/plan/plan.h"

using namespace fqt;
using namespace fqt::models;
using namespace fqt::quant;

namespace {

/// The sites that take part in plans: the stem and the head stay in float.
std::vector<SiteShape> varied_sites(const char* name) {
  const ModelOptions options;
  std::vector<SiteShape> sites;
  for (const SiteShape& site : trace_sites(*build_model(name, options), options))
    if (!left_in_float({}, site.role)) sites.push_back(site);
  return sites;
}

std::vector<double> values(const std::vector<SiteShape>& sites, const char* metric, ProductKind product) {
  std::vector<double> all;
  for (const SiteShape& site : sites) all.push_back(find_metric(metric).value({site, product, 128}));
  return all;
}

double mean(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

double covariance(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean(x)) * (y[i] - mean(y));
  return sum / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("custom models: one factor varies, the others are constant or have no correlation with it") {
  constexpr const char* kNames[] = {"A", "F", "D"};
  for (const std::string factor : {"a", "f", "d"}) {
    CAPTURE(factor);
    const std::vector<SiteShape> sites = varied_sites(("custom_" + factor).c_str());
    REQUIRE(sites.size() == 12);
    const std::vector<double> depth = values(sites, "D", ProductKind::forward);
    for (size_t i = 0; i < sites.size(); ++i) CHECK(depth[i] == static_cast<double>(i + 1));
    for (const char* name : kNames) {
      CAPTURE(name);
      const std::vector<double> own = values(sites, name, ProductKind::forward);
      const bool varies = std::tolower(name[0]) == factor[0];
      if (varies) {
        CHECK(covariance(own, own) > 0);
      } else if (name[0] == 'D') {  // every layer is deeper than the one before
        const std::vector<double> varied = values(sites, factor == "a" ? "A" : "F", ProductKind::forward);
        CHECK(covariance(own, varied) == 0);
      } else {
        CHECK(covariance(own, own) == 0);
      }
    }
  }
}

TEST_CASE("custom models: the rules hold for the gradient of the input, too") {
  for (const char* name : {"custom_d", "custom_f"}) {
    const std::vector<double> terms = values(varied_sites(name), "A", ProductKind::grad_lhs);
    CHECK(covariance(terms, terms) == 0);
  }
}
