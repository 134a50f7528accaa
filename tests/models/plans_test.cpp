// What plans come to on the models of the zoo.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/trace.h"
#include "quant/plan/plan.h"

using namespace fqt;
using namespace fqt::models;
using namespace fqt::quant;

namespace {

/// A small model of each kind; one that is not convolutional need not have frequency fall with depth.
struct Example {
  std::string_view kind, name;
  bool convolutional;
};

constexpr Example kExamples[] = {
    {"alexnet", "alexnet", true},
    {"resnet{6n+2}", "resnet20", true},
    {"resnet18/34/50", "resnet18", true},
    {"resnet18/34/50", "resnet50", true},
    {"mobilenet_v2[_W]", "mobilenet_v2", true},
    {"mobilenet_v2[_W]", "mobilenet_v2_0.5", true},
    {"custom_a/f/d", "custom_a", false},
    {"custom_a/f/d", "custom_f", false},
    {"custom_a/f/d", "custom_d", false},
    {"lstm_lm", "lstm_lm", false},
    {"transformer_lm", "transformer_lm", false},
    {"transformer_lm_small", "transformer_lm_small", false},
    {"transformer_lm_base", "transformer_lm_base", false},
};

std::vector<SiteShape> sites_of(std::string_view name) {
  const ModelOptions options;
  return trace_sites(*build_model(name, options), options, find_model_kind(name).input);
}

BitTable bits_of(const std::string& plan, const std::vector<SiteShape>& sites) {
  return assign_bits(parse_plan(plan), {}, sites, 128, 1);
}

}  // namespace

TEST_CASE("plans: every kind of model has an example here") {
  for (const ModelKind& kind : model_kinds()) {
    CAPTURE(kind.name);
    const auto found = std::find_if(std::begin(kExamples), std::end(kExamples),
                                    [&](const Example& example) { return example.kind == kind.name; });
    REQUIRE(found != std::end(kExamples));
    CHECK(kind.matches(found->name));
  }
}

TEST_CASE("plans: C+ and C- add up to the ends of the range, for every metric and mapping") {
  for (const Example& example : kExamples) {
    const std::vector<SiteShape> sites = sites_of(example.name);
    for (const Metric& metric : metrics())
      for (const Mapping& mapping : mappings())
        for (const char* range : {"4-8", "4-7", "2-16"})
          for (const char* options : {"", ",per=product", ",depth=layer"}) {
            if (options == std::string(",depth=layer") && metric.name != "D") continue;
            const std::string rest = fmt::format("{},map={}{}", range, mapping.name, options);
            CAPTURE(example.name);
            CAPTURE(metric.name);
            CAPTURE(rest);
            // Products of activations have no weights, and no logarithm of their number.
            const bool zeros =
                std::ranges::any_of(sites, [&](const SiteShape& site) { return metric.value({site}) == 0; });
            if (zeros && mapping.name == "logarithmic") continue;
            const Plan plan = parse_plan(fmt::format("{}:C+:{}", metric.name, rest));
            const BitTable rising = bits_of(plan.text, sites),
                           falling = bits_of(fmt::format("{}:C-:{}", metric.name, rest), sites);
            for (size_t i = 0; i < sites.size(); ++i) {
              REQUIRE(rising[i].is_float == falling[i].is_float);
              if (rising[i].is_float) continue;
              for (const ProductKind kind : kProducts) {
                const ProductBits up = rising[i].products[kind], down = falling[i].products[kind];
                REQUIRE((up.lhs >= plan.low && up.lhs <= plan.high && up.lhs == up.rhs && down.lhs == down.rhs));
                REQUIRE(up.lhs + down.lhs == plan.low + plan.high);
              }
            }
          }
  }
}

TEST_CASE("plans: in a convolutional network frequency falls as depth rises") {
  for (const Example& example : kExamples) {
    if (!example.convolutional) continue;
    const std::vector<SiteShape> sites = sites_of(example.name);
    for (const std::string range : {"4-8", "6-8", "8-16"}) {
      CAPTURE(example.name);
      CAPTURE(range);
      CHECK(bits_of("F:C+:" + range, sites) == bits_of("D:C-:" + range, sites));
      CHECK(bits_of("F:C-:" + range, sites) == bits_of("D:C+:" + range, sites));
    }
  }
}

TEST_CASE("plans: the first layer of an image model, and no other, reads data") {
  for (const Example& example : kExamples) {
    CAPTURE(example.name);
    const bool images = find_model_kind(example.name).input == ModelInput::images;  // tokens go through an embedding
    const std::vector<SiteShape> sites = sites_of(example.name);
    for (size_t i = 0; i < sites.size(); ++i) {
      CAPTURE(sites[i].name);
      CHECK(sites[i].lhs_is_data == (images && i == 0));
    }
  }
}

TEST_CASE("plans: the layers of resnet20, by hand") {
  struct Row {
    const char* site;
    const char* kind;
    double a, f;
    int stage;
  };
  // 3x3 over 3, 16, 32, 64 channels: 27, 144, 288, 576 terms; 32x32, 16x16, 8x8 positions.
  constexpr Row kRows[] = {{"stem.conv", "convolution", 27, 1024, 1},
                           {"stage1.block0.conv1", "convolution", 144, 1024, 1},
                           {"stage1.block0.conv2", "convolution", 144, 1024, 1},
                           {"stage1.block1.conv1", "convolution", 144, 1024, 1},
                           {"stage1.block1.conv2", "convolution", 144, 1024, 1},
                           {"stage1.block2.conv1", "convolution", 144, 1024, 1},
                           {"stage1.block2.conv2", "convolution", 144, 1024, 1},
                           {"stage2.block0.conv1", "convolution", 144, 256, 2},
                           {"stage2.block0.shortcut.conv", "convolution", 16, 256, 2},
                           {"stage2.block0.conv2", "convolution", 288, 256, 2},
                           {"stage2.block1.conv1", "convolution", 288, 256, 2},
                           {"stage2.block1.conv2", "convolution", 288, 256, 2},
                           {"stage2.block2.conv1", "convolution", 288, 256, 2},
                           {"stage2.block2.conv2", "convolution", 288, 256, 2},
                           {"stage3.block0.conv1", "convolution", 288, 64, 3},
                           {"stage3.block0.shortcut.conv", "convolution", 32, 64, 3},
                           {"stage3.block0.conv2", "convolution", 576, 64, 3},
                           {"stage3.block1.conv1", "convolution", 576, 64, 3},
                           {"stage3.block1.conv2", "convolution", 576, 64, 3},
                           {"stage3.block2.conv1", "convolution", 576, 64, 3},
                           {"stage3.block2.conv2", "convolution", 576, 64, 3},
                           {"head", "linear", 64, 1, 4}};
  const std::vector<SiteShape> sites = sites_of("resnet20");
  REQUIRE(sites.size() == std::size(kRows));
  for (size_t i = 0; i < sites.size(); ++i) {
    const Row& row = kRows[i];
    CAPTURE(row.site);
    CHECK(sites[i].name == row.site);
    CHECK(sites[i].kind == row.kind);
    CHECK(accumulation({sites[i]}) == row.a);
    CHECK(frequency({sites[i]}) == row.f);
    CHECK(depth({sites[i]}) == row.stage);
    CHECK(depth({sites[i], ProductKind::forward, 1, true}) == static_cast<double>(i + 1));
    CHECK(sites[i].calls == 1);
  }
}
