#include "quant/plan/plan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/check.h"

using namespace fqt;
using namespace fqt::quant;

TEST_CASE("plan: U:2 to U:16 and fp32") {
  for (int bits = 2; bits <= 16; ++bits) {
    const std::string text = "U:" + std::to_string(bits);
    const Plan plan = parse_plan(text);
    CHECK(plan.bits == bits);
    CHECK_FALSE(plan.is_float);
    CHECK(plan.text == text);
  }
  CHECK(parse_plan("fp32").is_float);
  CHECK(parse_plan("fp32").text == "fp32");
}

TEST_CASE("plan: what does not parse is shown, with what would") {
  struct Row {
    std::string text;
    std::vector<std::string> parts;  ///< of the message
  };
  const Row rows[] = {
      {"U:1", {"'U:1'", "1 bits", "from 2 to 16"}},
      {"U:99", {"'U:99'", "99 bits", "from 2 to 16"}},
      {"U:17", {"from 2 to 16"}},
      {"U:0", {"from 2 to 16"}},
      {"U:-6", {"from 2 to 16"}},
      {"U:99999999999999999999", {"whole number", "U:6"}},
      {"U:", {"'U:'", "whole number", "U:6"}},
      {"U", {"'U'", "whole number", "U:6"}},
      {"U:6x", {"'U:6x'", "whole number"}},
      {"U: 6", {"whole number"}},
      {"U:6.5", {"whole number"}},
      {"Q:3", {"'Q:3'", "no strategy 'Q'", "fp32", "U:BITS"}},
      {"u:6", {"no strategy 'u'"}},
      {"", {"no strategy ''", "fp32", "U:BITS"}},
      {":6", {"no strategy ''"}},
      {"fp32:3", {"'fp32:3'", "takes no bits"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    try {
      parse_plan(row.text);
      FAIL_CHECK("parsed");
    } catch (const Error& error) {
      const std::string message = error.what();
      CAPTURE(message);
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(message.find("[plan]") == 0);
      for (const std::string& part : row.parts) CHECK(message.find(part) != std::string::npos);
    }
  }
}

TEST_CASE("plan: every strategy is found by its name") {
  for (const Strategy& strategy : strategies()) {
    CHECK(strategy.usage.substr(0, strategy.name.size()) == strategy.name);
    const std::string text = strategy.name == "U" ? "U:6" : std::string(strategy.name);
    CHECK_NOTHROW(parse_plan(text));
  }
}

TEST_CASE("plan: the recipe decides about the first product and the head") {
  Site first("stem", SiteRole::first), body("body"), head("head", SiteRole::head);
  const std::vector<Site*> sites{&first, &body, &head};
  for (const bool quantize_first : {false, true})
    for (const bool quantize_head : {false, true}) {
      Recipe recipe;
      recipe.quantize_first = quantize_first;
      recipe.quantize_head = quantize_head;
      const PrecisionTable table = make_precision_table(parse_plan("U:5"), recipe, sites);
      CHECK(table.at("stem").is_float() == !quantize_first);
      CHECK_FALSE(table.at("body").is_float());
      CHECK(table.at("head").is_float() == !quantize_head);
      CHECK(table.rows().size() == 3);
      const PrecisionTable none = make_precision_table(parse_plan("fp32"), recipe, sites);
      for (const Site* site : sites) CHECK(none.at(site->name).is_float());
    }
  CHECK_THROWS_AS(make_precision_table(parse_plan("U:5"), Recipe(), sites).at("elsewhere"), Error);
}

TEST_CASE("plan: the recipe `paper` quantizes all but the head: affine, the gradient alone stochastic") {
  Site first("stem", SiteRole::first), head("head", SiteRole::head);
  const PrecisionTable table = make_precision_table(parse_plan("U:5"), Recipe(), {&first, &head});
  CHECK(table.at("head").is_float());
  const Precision& precision = table.at("stem");
  for (const OperandPrecision& operand : {precision.lhs, precision.rhs, precision.grad}) {
    CHECK(operand.bits == 5);
    CHECK(operand.format == &find_format("affine"));
  }
  CHECK(precision.lhs.rounding == Rounding::nearest);
  CHECK(precision.rhs.rounding == Rounding::nearest);
  CHECK(precision.grad.rounding == Rounding::stochastic);
}

TEST_CASE("plan: a recipe's formats and roundings reach their operands") {
  Recipe recipe;
  recipe.lhs.format = "symmetric";
  recipe.lhs.rounding = Rounding::stochastic;
  recipe.grad.rounding = Rounding::nearest;
  const Precision precision = recipe.precision(7);
  CHECK(precision.lhs.format == &find_format("symmetric"));
  CHECK(precision.rhs.format == &find_format("affine"));
  CHECK(precision.lhs.rounding == Rounding::stochastic);
  CHECK(precision.grad.rounding == Rounding::nearest);
  recipe.grad.format = "int7";
  CHECK_THROWS_AS(recipe.precision(7), Error);
}

TEST_CASE("plan: bits of the gradient apart, a second copy of it, and accumulators") {
  Recipe recipe;
  recipe.grad_bits = 8;
  recipe.grad_rhs_bits = 16;
  recipe.rhs_per_channel = true;
  recipe.accumulator_bits = 12;
  recipe.accumulator_overflow = "saturate";
  recipe.accumulator_chunk = 64;
  const Precision precision = recipe.precision(5);
  CHECK(precision.lhs.bits == 5);
  CHECK(precision.rhs.bits == 5);
  CHECK(precision.rhs.per_channel);
  CHECK(precision.grad.bits == 8);
  REQUIRE(precision.grad_for_rhs.has_value());
  CHECK(precision.grad_for_rhs->bits == 16);
  CHECK(precision.grad_for_rhs->rounding == Rounding::stochastic);
  CHECK((precision.accumulator.bits == 12 && precision.accumulator.saturate && precision.accumulator.chunk == 64));
  CHECK_FALSE(Recipe().precision(5).grad_for_rhs.has_value());
  CHECK(Recipe().precision(5).accumulator.bits == 0);
}

TEST_CASE("plan: switches that do not go together are refused") {
  const auto message = [](auto change) -> std::string {
    Recipe recipe;
    change(recipe);
    try {
      recipe.precision(6);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return error.what();
    }
    return "";
  };
  CHECK(message([](Recipe& r) { r.grad_bits = 1; }).find("grad_bits: 1 bits; give a width from 2 to 16") !=
        std::string::npos);
  CHECK(message([](Recipe& r) { r.grad_rhs_bits = 17; }).find("grad_rhs_bits") != std::string::npos);
  CHECK(message([](Recipe& r) { r.accumulator_bits = 7; }).find("from 8 to 32") != std::string::npos);
  CHECK(message([](Recipe& r) { r.grad.range = "running"; }).find("only the layer's input") != std::string::npos);
  CHECK(message([](Recipe& r) { r.rhs.range = "median"; }).find("known: extremes, sample_mean") != std::string::npos);
  CHECK(message([](Recipe& r) { r.lhs.range = "running"; }).empty());
}
