// Shapes, uses and metrics of the three products, worked out by hand for each kind of layer.
#include <doctest/doctest.h>

#include "engine/check.h"
#include "quant/plan/metric.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

/// What a walk over one layer finds that is called `calls` times for a sample.
SiteShape traced(const ConvGeometry& geometry, std::string_view kind, int calls = 1) {
  const Site site("site", SiteRole::body, kind);
  ShapeTrace trace;
  for (int call = 0; call < calls; ++call) trace.record(site, geometry);
  return site_shapes(trace).at(0);
}

ConvGeometry convolution(int64_t size, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups = 1) {
  ConvGeometry geometry;
  geometry.height = geometry.width = size;
  geometry.in_channels = in;
  geometry.out_channels = out;
  geometry.kernel = kernel;
  geometry.stride = stride;
  geometry.padding = kernel / 2;
  geometry.groups = groups;
  return geometry;
}

void check_product(const SiteShape& site, ProductKind kind, int64_t batch, const ProductShape& expected) {
  const ProductShape shape = site.product(kind, batch);
  CAPTURE(static_cast<int>(kind));
  CHECK(shape.m == expected.m);
  CHECK(shape.n == expected.n);
  CHECK(shape.terms == expected.terms);
  CHECK(shape.multiplies == expected.multiplies);
  CHECK(shape.lhs_size == expected.lhs_size);
  CHECK(shape.rhs_size == expected.rhs_size);
  CHECK(shape.lhs_uses == expected.lhs_uses);
  CHECK(shape.rhs_uses == expected.rhs_uses);
}

void check_metric(const char* name, const SiteShape& site, int64_t batch, const ByProduct<double>& expected) {
  CAPTURE(name);
  for (const ProductKind kind : kProducts)
    CHECK(find_metric(name).value({site, kind, batch}) == doctest::Approx(expected[kind]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("metrics: a convolution at stride 2") {
  // 8x8x4 -> 4x4x6, 3x3: 16 outputs a sample, each a sum over 3*3*4 = 36; 36 * 6 = 216 weights. Of two samples: 32
  // outputs a channel, X has 2*64*4 = 512 elements, dY 32*6 = 192, and 32 * 36 * 6 = 6912 pairs are multiplied.
  const SiteShape site = traced(convolution(8, 4, 6, 3, 2), "convolution");
  CHECK(site.weights() == 216);
  // An element of X meets 6912 / 512 = 13.5 weights on average (at stride 1 inside it would be 9*6 = 54; a quarter of
  // the positions are left); a weight meets each of 16 positions.
  check_product(site, ProductKind::forward, 2, {32, 6, 36, 6912, 512, 216, 13.5, 16});
  // dX: 64 pixels of each sample; a sum runs over 3*3*6 = 54. An element of dY meets all 36 weights of its channel.
  check_product(site, ProductKind::grad_lhs, 2, {128, 4, 54, 6912, 192, 216, 36, 16});
  // dW: 36 x 6, each a sum over 2*16 = 32.
  check_product(site, ProductKind::grad_rhs, 2, {36, 6, 32, 6912, 512, 192, 13.5, 36});
  check_metric("A", site, 2, {{36, 54, 32}});
  check_metric("F", site, 2, {{16, 16, 36}});
  check_metric("D", site, 2, {{1, 1, 1}});
  check_metric("P", site, 2, {{216, 216, 216}});
  check_metric("I", site, 2, {{4 / 6.0, 4 / 6.0, 4 / 6.0}});
  check_metric("A", site, 128, {{36, 54, 128 * 16}});  // only dW adds up over the batch
  check_metric("F", site, 128, {{16, 16, 36}});
}

TEST_CASE("metrics: a 1x1 projection at stride 2") {
  // 8x8x4 -> 4x4x8: 16 outputs, sums over 4, 32 weights, 16 * 4 * 8 = 512 pairs. A quarter of the 256 elements of X is
  // read, 8 times each: twice on average.
  const SiteShape site = traced(convolution(8, 4, 8, 1, 2), "convolution");
  check_product(site, ProductKind::forward, 1, {16, 8, 4, 512, 256, 32, 2, 16});
  check_product(site, ProductKind::grad_lhs, 1, {64, 4, 8, 512, 128, 32, 4, 16});
  check_product(site, ProductKind::grad_rhs, 1, {4, 8, 16, 512, 256, 128, 2, 4});
  check_metric("A", site, 1, {{4, 8, 16}});
  check_metric("F", site, 1, {{16, 16, 4}});
  check_metric("I", site, 1, {{0.5, 0.5, 0.5}});
}

TEST_CASE("metrics: a grouped convolution is its groups side by side") {
  // 6x6x4 -> 6x6x8, 3x3, 2 groups: each has 2 channels in and 4 out. Sums over 3*3*2 = 18; 18 * 8 = 144 weights;
  // 36 * 144 = 5184 pairs. An element of X meets the 9 * 4 = 36 weights of its group, borders left aside:
  // 5184 / 144 = 36.
  const SiteShape site = traced(convolution(6, 4, 8, 3, 1, 2), "convolution");
  CHECK(site.weights() == 144);
  check_product(site, ProductKind::forward, 1, {36, 4, 18, 5184, 144, 144, 36, 36});
  check_product(site, ProductKind::grad_lhs, 1, {36, 2, 36, 5184, 288, 144, 18, 36});
  check_product(site, ProductKind::grad_rhs, 1, {18, 4, 36, 5184, 144, 288, 36, 18});
  check_metric("A", site, 3, {{18, 36, 108}});
  check_metric("I", site, 3, {{0.5, 0.5, 0.5}});
}

TEST_CASE("metrics: a depthwise convolution sums over its kernel alone") {
  // 6x6x4, 3x3, a group a channel: sums over 9, 36 weights, 36 * 36 = 1296 pairs.
  const SiteShape site = traced(convolution(6, 4, 4, 3, 1, 4), "depthwise");
  CHECK(site.kind == "depthwise");
  check_product(site, ProductKind::forward, 1, {36, 1, 9, 1296, 144, 36, 9, 36});
  check_product(site, ProductKind::grad_lhs, 1, {36, 1, 9, 1296, 144, 36, 9, 36});
  check_product(site, ProductKind::grad_rhs, 1, {9, 1, 36, 1296, 144, 144, 9, 9});
  check_metric("A", site, 2, {{9, 9, 72}});
  check_metric("F", site, 2, {{36, 36, 9}});
  check_metric("P", site, 2, {{36, 36, 36}});
  check_metric("I", site, 2, {{1, 1, 1}});
}

TEST_CASE("metrics: a linear layer uses each weight once") {
  const SiteShape site = traced(ConvGeometry::matrix(1, 64, 10), "linear");
  check_product(site, ProductKind::forward, 4, {4, 10, 64, 2560, 256, 640, 10, 1});
  check_product(site, ProductKind::grad_lhs, 4, {4, 64, 10, 2560, 40, 640, 64, 1});
  check_product(site, ProductKind::grad_rhs, 4, {64, 10, 4, 2560, 256, 40, 10, 64});
  check_metric("A", site, 4, {{64, 10, 4}});
  check_metric("F", site, 4, {{1, 1, 64}});
  check_metric("P", site, 4, {{640, 640, 640}});
  check_metric("I", site, 4, {{6.4, 6.4, 6.4}});
}

TEST_CASE("metrics: a layer of a sequence model uses each weight at every position") {
  // Five calls of one row, as of a recurrent layer, or one call of five rows: the same products.
  const SiteShape calls = traced(ConvGeometry::matrix(1, 64, 10), "linear", 5);
  CHECK(calls.calls == 5);
  const SiteShape rows = traced(ConvGeometry::matrix(5, 64, 10), "linear");
  CHECK(rows.calls == 1);
  for (const SiteShape& site : {calls, rows}) {
    CHECK(site.weights() == 640);
    check_product(site, ProductKind::forward, 4, {20, 10, 64, 12800, 1280, 640, 10, 5});
    check_product(site, ProductKind::grad_lhs, 4, {20, 64, 10, 12800, 200, 640, 64, 5});
    check_product(site, ProductKind::grad_rhs, 4, {64, 10, 20, 12800, 1280, 200, 10, 64});
    check_metric("A", site, 4, {{64, 10, 20}});
    check_metric("F", site, 4, {{5, 5, 64}});
  }
}

TEST_CASE("metrics: an LSTM of 6 inputs and 4 hidden values over 5 time steps") {
  // The input's product is made for all time steps at once, [5 x 6] * [6 x 16] a sample: 96 weights, 480 pairs. Of
  // three samples: X 3*5*6 = 90 elements, dY 3*5*16 = 240, 1440 pairs. A weight meets all 5 time steps.
  const SiteShape input = traced(ConvGeometry::matrix(5, 6, 16), "lstm");
  check_product(input, ProductKind::forward, 3, {15, 16, 6, 1440, 90, 96, 16, 5});
  check_product(input, ProductKind::grad_lhs, 3, {15, 6, 16, 1440, 240, 96, 6, 5});
  check_product(input, ProductKind::grad_rhs, 3, {6, 16, 15, 1440, 90, 240, 16, 6});
  check_metric("A", input, 3, {{6, 16, 15}});
  check_metric("F", input, 3, {{5, 5, 6}});
  // The recurrent one is called at each, [1 x 4] * [4 x 16]: 64 weights; X 3*5*4 = 60, dY 240, 3*5*64 = 960 pairs.
  const SiteShape hidden = traced(ConvGeometry::matrix(1, 4, 16), "lstm", 5);
  CHECK(hidden.calls == 5);
  CHECK(hidden.weights() == 64);
  check_product(hidden, ProductKind::forward, 3, {15, 16, 4, 960, 60, 64, 16, 5});
  check_product(hidden, ProductKind::grad_lhs, 3, {15, 4, 16, 960, 240, 64, 4, 5});
  check_product(hidden, ProductKind::grad_rhs, 3, {4, 16, 15, 960, 60, 240, 16, 4});
  check_metric("A", hidden, 3, {{4, 16, 15}});
  check_metric("F", hidden, 3, {{5, 5, 4}});
}

namespace {

/// Attention's product of two heads of a sample.
SiteShape two_heads(const ConvGeometry& geometry) {
  const Site site = activation_site("site", "attention");
  ShapeTrace trace;
  trace.record(site, geometry, 2);
  return site_shapes(trace).at(0);
}

}  // namespace

TEST_CASE("metrics: the products of attention, two heads of 3 values over 5 positions") {
  // Q K^T of each head is [5 x 3] * [3 x 5]: 75 pairs, sums over 3. Of four samples 8 products: Q and K 8*15 = 120
  // elements each, the scores 8*25 = 200, 600 pairs. An element of Q meets 5 keys, one of K 5 queries: F = T.
  const SiteShape scores = two_heads(ConvGeometry::matrix(5, 3, 5));
  CHECK(scores.calls == 2);
  CHECK(scores.weights() == 0);
  check_product(scores, ProductKind::forward, 4, {5, 5, 3, 600, 120, 120, 5, 5});
  check_product(scores, ProductKind::grad_lhs, 4, {5, 3, 5, 600, 200, 120, 3, 5});  // dQ = dS K sums over 5 keys
  check_product(scores, ProductKind::grad_rhs, 4, {3, 5, 5, 600, 120, 200, 5, 3});  // dK^T = Q^T dS over 5 queries
  check_metric("A", scores, 4, {{3, 5, 5}});
  check_metric("F", scores, 4, {{5, 5, 3}});
  check_metric("P", scores, 4, {{0, 0, 0}});
  check_metric("A", scores, 64, {{3, 5, 5}});  // nothing adds up over the batch
  // P V is [5 x 5] * [5 x 3]: sums over T; an element of V meets 5 queries.
  const SiteShape values = two_heads(ConvGeometry::matrix(5, 5, 3));
  check_product(values, ProductKind::forward, 4, {5, 3, 5, 600, 200, 120, 3, 5});
  check_product(values, ProductKind::grad_lhs, 4, {5, 5, 3, 600, 120, 120, 5, 5});
  check_product(values, ProductKind::grad_rhs, 4, {5, 3, 5, 600, 200, 120, 3, 5});
  check_metric("A", values, 4, {{5, 3, 5}});
  check_metric("F", values, 4, {{5, 5, 5}});
}

TEST_CASE("metrics: depth of a sequence model is the block a site is in, or the order of its layers") {
  Site a("a", SiteRole::body, "lstm"), b("b", SiteRole::body, "lstm"), head("head", SiteRole::body, "linear");
  a.block = b.block = 1;
  head.block = 2;
  ShapeTrace trace;
  trace.record(a, ConvGeometry::matrix(5, 6, 16));
  for (int t = 0; t < 5; ++t) trace.record(b, ConvGeometry::matrix(1, 4, 16));
  trace.record(head, ConvGeometry::matrix(5, 4, 20));
  const std::vector<SiteShape> sites = site_shapes(trace);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(depth({sites[i]}) == (i < 2 ? 1 : 2));
    CHECK(depth({sites[i], ProductKind::forward, 1, true}) == static_cast<double>(i + 1));
  }
}

TEST_CASE("metrics: depth counts resolutions, or layers in the order of their first calls") {
  const Site a("a", SiteRole::first, "convolution"), b("b", SiteRole::body, "convolution"),
      c("c", SiteRole::body, "convolution"), d("d", SiteRole::body, "linear"), e("e", SiteRole::head, "linear");
  ShapeTrace trace;
  trace.record(a, convolution(8, 3, 4, 3, 1));  // 8x8
  trace.record(b, convolution(8, 4, 4, 3, 2));  // 4x4
  trace.record(c, convolution(4, 4, 4, 1, 1));  // 4x4
  trace.record(a, convolution(8, 3, 4, 3, 1));  // once more: no layer of its own
  trace.record(d, ConvGeometry::matrix(1, 64, 16));
  trace.record(e, ConvGeometry::matrix(1, 16, 10));
  const std::vector<SiteShape> sites = site_shapes(trace);
  REQUIRE(sites.size() == 5);
  const int stages[] = {1, 2, 2, 3, 3};
  for (size_t i = 0; i < sites.size(); ++i) {
    CAPTURE(sites[i].name);
    CHECK(depth({sites[i]}) == stages[i]);
    CHECK(depth({sites[i], ProductKind::forward, 1, true}) == static_cast<double>(i + 1));
  }
  CHECK(sites[0].calls == 2);
  CHECK((sites[0].role == SiteRole::first && sites[4].role == SiteRole::head));
}

TEST_CASE("metrics: fully connected layers are a stage of their own, even behind a map of one pixel") {
  const Site a("a", SiteRole::body, "convolution"), b("b", SiteRole::body, "linear");
  ShapeTrace trace;
  trace.record(a, convolution(2, 4, 8, 3, 2));  // 1x1
  trace.record(b, ConvGeometry::matrix(1, 8, 10));
  const std::vector<SiteShape> sites = site_shapes(trace);
  CHECK((sites[0].stage == 1 && sites[1].stage == 2));
}

TEST_CASE("metrics: a site that reads data at every call computes no gradient of it") {
  const Site a("a", SiteRole::body, "linear"), b("b", SiteRole::body, "linear");
  ShapeTrace trace;
  for (const bool data : {true, true}) trace.record(a, ConvGeometry::matrix(1, 8, 8), 1, data);
  for (const bool data : {true, false}) trace.record(b, ConvGeometry::matrix(1, 8, 8), 1, data);
  const std::vector<SiteShape> sites = site_shapes(trace);
  CHECK_FALSE(sites[0].computes(ProductKind::grad_lhs));
  CHECK((sites[0].computes(ProductKind::forward) && sites[0].computes(ProductKind::grad_rhs)));
  CHECK(sites[1].computes(ProductKind::grad_lhs));
}

TEST_CASE("metrics: a site has one pair of shapes, and unknown metrics are named with the known ones") {
  const Site site("fc");
  ShapeTrace trace;
  trace.record(site, ConvGeometry::matrix(1, 64, 10));
  CHECK_THROWS_WITH_AS(trace.record(site, ConvGeometry::matrix(1, 64, 11)),
                       "[trace] site 'fc' multiplies matrices of different shapes", Error);
  CHECK_THROWS_WITH_AS(find_metric("Z"), "[plan] no metric 'Z'; known: A, F, D, P, I", Error);
}
