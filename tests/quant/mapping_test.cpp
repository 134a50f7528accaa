// From the values of a metric to bits: mappings, strategies and options, by hand.
#include <doctest/doctest.h>

#include <numeric>

#include <algorithm>
#include <map>
#include <set>

#include "engine/check.h"
#include "quant/plan/plan.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

using Bits = std::vector<int>;

Bits mapped(const char* mapping, const std::vector<double>& values, int low, int high) {
  return find_mapping(mapping).bits(values, low, high);
}

SiteShape linear(const std::string& name, int64_t inputs, int64_t outputs, SiteRole role = SiteRole::body,
                 int layer = 1) {
  return {name, "linear", role, ConvGeometry::matrix(1, inputs, outputs), 1, layer, layer};
}

/// Of the forward product's left operand.
Bits forward_bits(const char* plan, const std::vector<SiteShape>& sites, uint64_t seed = 1) {
  Bits bits;
  for (const SiteBits& site : assign_bits(parse_plan(plan), {}, sites, 2, seed))
    bits.push_back(site.is_float ? 0 : site.products[ProductKind::forward].lhs);
  return bits;
}

std::vector<SiteShape> many(int count) {
  std::vector<SiteShape> sites;
  for (int i = 0; i < count; ++i) sites.push_back(linear("layer" + std::to_string(i), 8, 8));
  return sites;
}

}  // namespace

TEST_CASE("mapping: grouped spaces the distinct values evenly, whatever lies between them") {
  CHECK(mapped("grouped", {5, 1, 2, 2, 900}, 4, 8) == Bits{7, 4, 5, 5, 8});  // groups 1 2 5 900 at 4, 5.33, 6.67, 8
  CHECK(mapped("grouped", {1, 2, 3}, 4, 7) == Bits{4, 6, 7});                // 5.5 goes up
  CHECK(mapped("grouped", {1, 2, 3}, 5, 6) == Bits{5, 6, 6});                // 5.5 goes up
  CHECK(mapped("grouped", {3, 1}, 2, 16) == Bits{16, 2});
  CHECK(mapped("grouped", {1, 2, 3, 4, 5}, 6, 8) == Bits{6, 6, 7, 8, 8});  // 6.5 goes down and 7.5 up
}

TEST_CASE("mapping: groups read from the other end are the mirror, but for a middle that is a half") {
  for (int low = kMinBits; low <= kMaxBits; ++low)
    for (int high = low; high <= kMaxBits; ++high)
      for (size_t groups = 1; groups <= 25; ++groups) {
        std::vector<double> values(groups);
        std::iota(values.begin(), values.end(), 1.0);
        const Bits bits = mapped("grouped", values, low, high);
        for (size_t i = 0; i < groups; ++i)
          if (2 * i + 1 != groups || (low + high) % 2 == 0) CHECK(bits[i] + bits[groups - 1 - i] == low + high);
      }
}

TEST_CASE("mapping: linear in the value") {
  CHECK(mapped("linear", {10, 20, 40}, 4, 8) == Bits{4, 5, 8});       // 4 + 4/3
  CHECK(mapped("linear", {0, 5, 10, 20}, 4, 6) == Bits{4, 4, 5, 6});  // 4.5 goes down
}

TEST_CASE("mapping: linear in the logarithm") {
  CHECK(mapped("logarithmic", {1, 4, 16}, 4, 8) == Bits{4, 6, 8});
  CHECK(mapped("logarithmic", {1, 10, 1000}, 4, 8) == Bits{4, 5, 8});          // 4 + 4/3
  CHECK(mapped("logarithmic", {1024, 256, 64, 1}, 4, 8) == Bits{8, 7, 6, 4});  // 10, 8, 6 and 0 of 10: 7.2, 6.4
  CHECK_THROWS_WITH_AS(mapped("logarithmic", {1, 0}, 4, 8),
                       "[plan] the mapping 'logarithmic' needs positive values, not 0", Error);
}

TEST_CASE("mapping: ranked gives each layer a place, equal ones in their order") {
  CHECK(mapped("ranked", {5, 1, 5, 3}, 4, 7) == Bits{6, 4, 7, 5});
  CHECK(mapped("ranked", {2, 2, 2}, 4, 7) == Bits{4, 6, 7});
}

TEST_CASE("mapping: a single group gets the midpoint, halves up; no values get none") {
  for (const Mapping& mapping : mappings()) {
    CAPTURE(mapping.name);
    const std::vector<double> one{42};
    CHECK(mapping.bits(one, 4, 8) == Bits{6});
    CHECK(mapping.bits(one, 4, 7) == Bits{6});
    CHECK(mapping.bits(one, 5, 5) == Bits{5});
    CHECK(mapping.bits({}, 4, 8).empty());
  }
  for (const char* name : {"grouped", "linear", "logarithmic"}) CHECK(mapped(name, {7, 7, 7}, 4, 7) == Bits{6, 6, 6});
  CHECK_THROWS_WITH_AS(find_mapping("cubic"), "[plan] no mapping 'cubic'; known: grouped, linear, logarithmic, ranked",
                       Error);
}

TEST_CASE("strategies: C+ rises with the metric, and C- is its mirror") {
  const std::vector<SiteShape> sites{linear("a", 16, 4), linear("b", 32, 4), linear("c", 64, 4), linear("d", 16, 4)};
  CHECK(forward_bits("A:C+:4-7", sites) == Bits{4, 6, 7, 4});  // 5.5 goes up
  CHECK(forward_bits("A:C-:4-7", sites) == Bits{7, 5, 4, 7});  // and its mirror down
  CHECK(forward_bits("A:C+:4-7,map=linear", sites) == Bits{4, 5, 7, 4});
  CHECK(forward_bits("A:C-:4-7,map=linear", sites) == Bits{7, 6, 4, 7});
  CHECK(forward_bits("F:C+:4-7", sites) == Bits{6, 6, 6, 6});
  CHECK(forward_bits("F:C-:4-7", sites) == Bits{5, 5, 5, 5});
  CHECK(forward_bits("U:9", sites) == Bits{9, 9, 9, 9});
}

TEST_CASE("strategies: a layer in float takes no part") {
  const std::vector<SiteShape> sites{linear("first", 2, 4, SiteRole::first), linear("a", 16, 4), linear("b", 32, 4),
                                     linear("head", 64, 4, SiteRole::head)};
  CHECK(forward_bits("A:C+:4-8", sites) == Bits{4, 6, 8, 0});
  CHECK(forward_bits("fp32", sites) == Bits{0, 0, 0, 0});
  Recipe recipe;
  recipe.quantize_first = false;
  const BitTable table = assign_bits(parse_plan("A:C+:4-8"), recipe, sites, 2, 1);
  CHECK((table[0].is_float && table[3].is_float));
  CHECK(table[1] == SiteBits::uniform("a", 4));
  CHECK(table[2] == SiteBits::uniform("b", 8));
}

TEST_CASE("strategies: depth counts stages, or layers where the plan says so") {
  std::vector<SiteShape> sites{linear("a", 8, 8, SiteRole::body, 1), linear("b", 8, 8, SiteRole::body, 2),
                               linear("c", 8, 8, SiteRole::body, 3)};
  sites[1].stage = 1;
  sites[2].stage = 2;
  CHECK(forward_bits("D:C+:4-8", sites) == Bits{4, 4, 8});
  CHECK(forward_bits("D:C+:4-8,depth=stage", sites) == Bits{4, 4, 8});
  CHECK(forward_bits("D:C+:4-8,depth=layer", sites) == Bits{4, 6, 8});
}

TEST_CASE("strategies: R draws from the whole range, by the seed and the site's name") {
  const std::vector<SiteShape> sites = many(2000);
  const Bits bits = forward_bits("R:4-8", sites);
  std::map<int, int> counts;
  for (const int b : bits) ++counts[b];
  CHECK(counts.size() == 5);
  for (int value = 4; value <= 8; ++value) {
    CAPTURE(value);
    CHECK((counts[value] > 328 && counts[value] < 472));  // 400 expected; four standard deviations of 17.9
  }
  CHECK(forward_bits("R:4-8", sites) == bits);
  CHECK(forward_bits("R:4-8", sites, 2) != bits);
  CHECK(forward_bits("R:6-6", sites) == forward_bits("U:6", sites));

  std::vector<SiteShape> others(sites.rbegin(), sites.rend());  // neither order nor neighbours matter
  others.resize(1500);
  Bits expected(bits.rbegin(), bits.rend());
  expected.resize(1500);
  CHECK(forward_bits("R:4-8", others) == expected);

  for (const SiteBits& site : assign_bits(parse_plan("R:4-8"), {}, many(20), 2, 1))
    CHECK(site == SiteBits::uniform(site.site, site.products[ProductKind::forward].lhs));
  std::set<Bits> seen;
  for (const SiteBits& site : assign_bits(parse_plan("R:4-8,per=product"), {}, many(200), 2, 1))
    seen.insert({site.products[ProductKind::forward].lhs, site.products[ProductKind::grad_lhs].lhs,
                 site.products[ProductKind::grad_rhs].lhs});
  CHECK(seen.size() > 60);  // of 125
}

TEST_CASE("strategies: per=product pools the metrics of all products") {
  // A of forward, grad_lhs, grad_rhs for two samples: 64 10 2 and 10 4 2. Groups 2 4 10 64 at 2, 4, 6, 8.
  const std::vector<SiteShape> sites{linear("a", 64, 10), linear("b", 10, 4)};
  const BitTable rising = assign_bits(parse_plan("A:C+:2-8,per=product"), {}, sites, 2, 1);
  CHECK(rising[0].products == ByProduct<ProductBits>{{ProductBits{8, 8}, {6, 6}, {2, 2}}});
  CHECK(rising[1].products == ByProduct<ProductBits>{{ProductBits{6, 6}, {4, 4}, {2, 2}}});
  const BitTable falling = assign_bits(parse_plan("A:C-:2-8,per=product"), {}, sites, 2, 1);
  CHECK(falling[0].products == ByProduct<ProductBits>{{ProductBits{2, 2}, {4, 4}, {8, 8}}});
  // Of 64 samples grad_rhs adds 64 terms: groups 4 10 64 at 2, 5, 8.
  const BitTable larger = assign_bits(parse_plan("A:C+:2-8,per=product"), {}, sites, 64, 1);
  CHECK(larger[0].products == ByProduct<ProductBits>{{ProductBits{8, 8}, {5, 5}, {8, 8}}});
}

TEST_CASE("strategies: a gradient that nobody needs takes no part under per=product") {
  // As above, but a's grad_lhs (10 terms) is not computed, and b has 12 inputs: A of 64 - 2 and 12 4 2.
  std::vector<SiteShape> sites{linear("a", 64, 10), linear("b", 12, 4)};
  sites[0].lhs_is_data = true;
  // Groups 2 4 12 64 at 2, 4, 6, 8; with it there would be five.
  const BitTable rising = assign_bits(parse_plan("A:C+:2-8,per=product"), {}, sites, 2, 1);
  CHECK(rising[0].products == ByProduct<ProductBits>{{ProductBits{8, 8}, {8, 8}, {2, 2}}});
  CHECK(rising[1].products == ByProduct<ProductBits>{{ProductBits{6, 6}, {4, 4}, {2, 2}}});
  const BitTable falling = assign_bits(parse_plan("A:C-:2-8,per=product"), {}, sites, 2, 1);
  CHECK(falling[0].products == ByProduct<ProductBits>{{ProductBits{2, 2}, {2, 2}, {8, 8}}});
  CHECK(falling[1].products == ByProduct<ProductBits>{{ProductBits{4, 4}, {6, 6}, {8, 8}}});
}

TEST_CASE("plan options: offsets to the operands") {
  const std::vector<SiteShape> sites{linear("a", 64, 10), linear("b", 10, 4)};
  const BitTable table = assign_bits(parse_plan("U:6,x=+1,w=-1,grad=2"), {}, sites, 2, 1);
  // X W, dY W, X dY
  CHECK(table[0].products == ByProduct<ProductBits>{{ProductBits{7, 5}, {8, 5}, {7, 8}}});
  CHECK(assign_bits(parse_plan("U:15,grad=+1"), {}, sites, 2, 1)[1].products[ProductKind::grad_lhs].lhs == 16);

  const auto message = [&](const char* plan) -> std::string {
    try {
      assign_bits(parse_plan(plan), {}, sites, 2, 1);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return error.what();
    }
    return "";
  };
  CHECK(message("U:6,grad=+11") ==
        "[plan] 'U:6,grad=+11': 6 bits and an offset of +11 make 17 at site 'a'; widths run from 2 to 16");
  CHECK(message("A:C+:4-8,w=-3") ==
        "[plan] 'A:C+:4-8,w=-3': 4 bits and an offset of -3 make 1 at site 'b'; widths run from 2 to 16");
  CHECK(message("U:2,x=-1").find("make 1") != std::string::npos);
}
