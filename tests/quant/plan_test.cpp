#include "quant/plan/plan.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "engine/check.h"
#include "support/precision_table.h"

using namespace fqt;
using namespace fqt::quant;

TEST_CASE("plan: U:2 to U:16 and fp32") {
  for (int bits = 2; bits <= 16; ++bits) {
    const std::string text = "U:" + std::to_string(bits);
    const Plan plan = parse_plan(text);
    CHECK((plan.low == bits && plan.high == bits));
    CHECK(plan.strategy->name == "U");
    CHECK(plan.text == text);
  }
  CHECK((parse_plan("fp32").strategy->assign == nullptr));
  CHECK(parse_plan("fp32").text == "fp32");
}

TEST_CASE("plan: what does not parse is shown, with what would") {
  struct Row {
    std::string text;
    std::vector<std::string> parts;  ///< of the message
  };
  const Row rows[] = {
      {"U:1", {"'U:1'", "1 is no width; give one from 2 to 16 bits"}},
      {"U:99", {"'U:99'", "99 is no width", "from 2 to 16"}},
      {"U:17", {"from 2 to 16"}},
      {"U:0", {"from 2 to 16"}},
      {"U:-6", {"from 2 to 16"}},
      {"A:C+:8-4", {"'A:C+:8-4'", "from 8 down to 4"}},
      {"Z:C+:4-8", {"'Z:C+:4-8'", "no strategy or metric 'Z'", "A, F, D, P, I"}},
      {"A:C+:4-40", {"'A:C+:4-40'", "40 is no width", "from 2 to 16"}},
      {"A:C+:4", {"'4' is no range"}},
      {"A:C+", {"'' is no range"}},
      {"A:U:6", {"a metric is followed by C+ or C-", "not 'U'"}},
      {"A", {"a metric is followed by C+ or C-"}},
      {"C+:4-8", {"no strategy or metric 'C+'"}},
      {"R:4-8,", {"nothing follows the comma"}},
      {"A:C+:4-8,map", {"no mapping ''"}},
      {"A:C+:4-8,map=cubic", {"no mapping 'cubic'", "grouped, linear"}},
      {"U:6,grad=two", {"grad=+2, not 'two'"}},
      {"U:6,grad=99", {"offset"}},
      {"U:6,grad=+-2", {"grad=+2, not '+-2'"}},
      {"U:+6", {"whole number"}},
      {"R:4-8,per=site", {"per is layer or product"}},
      {"U:6,map=ranked", {"'U:6,map=ranked'", "map= does nothing here", "plans that go by a metric, as A:C+:4-8"}},
      {"R:4-8,map=grouped", {"map= does nothing here"}},
      {"U:6,per=layer", {"per= does nothing here", "A:C+:4-8 and R:4-8"}},
      {"U:6,depth=layer", {"depth= does nothing here", "D:C+:4-8"}},
      {"R:4-8,depth=stage", {"depth= does nothing here"}},
      {"A:C+:4-8,depth=layer", {"depth= does nothing here", "plans that go by depth"}},
      {"D:C+:4-8,depth=layer,depth=stage", {"depth= is given twice"}},
      {"U:6,x=+1,w=+1,x=+1", {"'U:6,x=+1,w=+1,x=+1'", "x= is given twice; give it once"}},
      {"A:C+:4-8,", {"nothing follows the comma"}},
      {"A:C+:4-8,,x=1", {"no option ''"}},
      {"U:6,colour=red", {"no option 'colour=red'"}},
      {"fp32,grad=1", {"takes no bits and no options"}},
      {"U:99999999999999999999", {"whole number", "U:6"}},
      {"U:", {"'U:'", "whole number", "U:6"}},
      {"U", {"'U'", "whole number", "U:6"}},
      {"U:6x", {"'U:6x'", "whole number"}},
      {"U: 6", {"whole number"}},
      {"U:6.5", {"whole number"}},
      {"Q:3", {"'Q:3'", "no strategy or metric 'Q'", "fp32", "U:BITS"}},
      {"u:6", {"no strategy or metric 'u'"}},
      {"", {"no strategy or metric ''", "fp32", "U:BITS"}},
      {":6", {"no strategy or metric ''"}},
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

TEST_CASE("plan: the recipe decides about the first product and the head") {
  Site first("stem", SiteRole::first), body("body"), head("head", SiteRole::head);
  const std::vector<Site*> sites{&first, &body, &head};
  for (const bool quantize_first : {false, true})
    for (const bool quantize_head : {false, true}) {
      Recipe recipe;
      recipe.quantize_first = quantize_first;
      recipe.quantize_head = quantize_head;
      const PrecisionTable table = test::precision_table("U:5", sites, recipe);
      CHECK(table.at("stem").is_float() == !quantize_first);
      CHECK_FALSE(table.at("body").is_float());
      CHECK(table.at("head").is_float() == !quantize_head);
      CHECK(table.rows().size() == 3);
      const PrecisionTable none = test::precision_table("fp32", sites, recipe);
      for (const Site* site : sites) CHECK(none.at(site->name).is_float());
    }
  CHECK_THROWS_AS(test::precision_table("U:5", sites).at("elsewhere"), Error);
}

TEST_CASE("plan: the recipe `paper` quantizes all but the head: affine, the gradient alone stochastic") {
  Site first("stem", SiteRole::first), head("head", SiteRole::head);
  const PrecisionTable table = test::precision_table("U:5", {&first, &head});
  CHECK(table.at("head").is_float());
  const auto check = [](const OperandPrecision& operand, Rounding rounding) {
    CHECK(operand.bits == 5);
    CHECK(operand.format == &find_format("affine"));
    CHECK(operand.rounding == rounding);
    CHECK_FALSE(operand.per_channel);
  };
  const Precision& precision = table.at("stem");
  check(precision.products[ProductKind::forward].lhs, Rounding::nearest);
  check(precision.products[ProductKind::forward].rhs, Rounding::nearest);
  check(precision.products[ProductKind::grad_lhs].lhs, Rounding::stochastic);
  // Codes are made once: what two products share is the same.
  CHECK(precision.products[ProductKind::grad_rhs].lhs == precision.products[ProductKind::forward].lhs);
  CHECK(precision.products[ProductKind::grad_lhs].rhs == precision.products[ProductKind::forward].rhs);
  CHECK(precision.products[ProductKind::grad_rhs].rhs == precision.products[ProductKind::grad_lhs].lhs);
}

TEST_CASE("plan: a recipe's formats and roundings reach their operands") {
  Recipe recipe;
  recipe.lhs.format = "symmetric";
  recipe.lhs.rounding = Rounding::stochastic;
  recipe.grad.rounding = Rounding::nearest_away;
  recipe.rhs.range = "mse";
  const Precision precision = recipe.precision(7);
  const auto& forward = precision.products[ProductKind::forward];
  CHECK(forward.lhs.format == &find_format("symmetric"));
  CHECK(forward.rhs.format == &find_format("affine"));
  CHECK(forward.lhs.rounding == Rounding::stochastic);
  CHECK(forward.rhs.range->name == "mse");
  CHECK(precision.products[ProductKind::grad_rhs].rhs.rounding == Rounding::nearest_away);
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
  const auto& [forward, grad_lhs, grad_rhs] = static_cast<const std::array<ProductPrecision, 3>&>(precision.products);
  CHECK((forward.lhs.bits == 5 && forward.rhs.bits == 5 && grad_lhs.rhs.bits == 5 && grad_rhs.lhs.bits == 5));
  CHECK((forward.rhs.per_channel && !grad_lhs.rhs.per_channel));
  CHECK((grad_lhs.lhs.bits == 8 && grad_rhs.rhs.bits == 16));
  CHECK(grad_rhs.rhs.rounding == Rounding::stochastic);
  CHECK((precision.accumulator.bits == 12 && precision.accumulator.saturate && precision.accumulator.chunk == 64));
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
  CHECK(message([](Recipe& r) { r.grad_bits = 1; }).find("grad_bits: 1 is no width; give one from 2 to 16 bits") !=
        std::string::npos);
  CHECK(message([](Recipe& r) { r.grad_rhs_bits = 17; }).find("grad_rhs_bits") != std::string::npos);
  CHECK(message([](Recipe& r) { r.accumulator_bits = 7; }).find("from 8 to 32") != std::string::npos);
  CHECK(message([](Recipe& r) { r.grad.range = "running"; }).find("only the layer's input") != std::string::npos);
  CHECK(message([](Recipe& r) { r.rhs.range = "median"; }).find("known: extremes, sample_mean") != std::string::npos);
  CHECK(message([](Recipe& r) { r.lhs.range = "running"; }).empty());
  CHECK(message([](Recipe& r) { r.rhs.range = "sample_mean"; }).find("no samples") != std::string::npos);
  CHECK(message([](Recipe& r) { r.accumulator_chunk = 16; }).find("quant.accumulator_bits") != std::string::npos);
}
