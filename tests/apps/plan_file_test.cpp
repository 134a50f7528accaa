#include "trainer/plan_file.h"

#include <doctest/doctest.h>

#include "apps/process.h"
#include "engine/check.h"
#include "models/trace.h"
#include "quant/plan/plan.h"

using namespace fqt;
using namespace fqt::quant;
using namespace fqt::test;
using trainer::read_plan_file;

namespace {

std::vector<SiteShape> three_sites() {
  std::vector<SiteShape> sites;
  for (const char* name : {"stem.conv", "stage1.block0.conv1", "stage1.block0.conv2"})
    sites.push_back(
        {name, "linear", SiteRole::body, ConvGeometry::matrix(1, 8, 8), 1, 1, static_cast<int>(sites.size()) + 1});
  return sites;
}

/// Reads `text` as the plan of three sites.
BitTable read_rules(const std::string& text) {
  const TemporaryFolder folder;
  write(folder / "my.toml", text);
  return read_plan_file(folder / "my.toml", three_sites());
}

/// The message of a plan that cannot be read, without the folder.
std::string plan_file_error(const std::string& text, ErrorKind kind = ErrorKind::usage) {
  const TemporaryFolder folder;
  write(folder / "my.toml", text);
  try {
    read_plan_file(folder / "my.toml", three_sites());
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    std::string message = error.what();
    for (size_t at; (at = message.find(folder.path() + "/")) != std::string::npos;)
      message.erase(at, folder.path().size() + 1);
    return message;
  }
  return "read";
}

std::string rule(const std::string& sites, const std::string& rest) {
  return "[[rule]]\nsites = \"" + sites + "\"\n" + rest + "\n";
}

}  // namespace

TEST_CASE("plan file: bits, widths of each product, and float") {
  const BitTable table = read_rules(rule("stem.conv", "float = true") + rule("*conv1", "bits = 16") +
                                    rule("*conv2", "forward = [6, 4]\ngrad_lhs = [8, 4]\ngrad_rhs = [6, 16]"));
  REQUIRE(table.size() == 3);
  CHECK((table[0].site == "stem.conv" && table[0].is_float));
  CHECK(table[1] == SiteBits::uniform("stage1.block0.conv1", 16));
  CHECK(table[2] == SiteBits{"stage1.block0.conv2", false, {{ProductBits{6, 4}, {8, 4}, {6, 16}}}});
}

TEST_CASE("plan file: patterns, and later rules over earlier ones") {
  const auto bits = [](const std::string& text) {
    std::vector<int> list;
    for (const SiteBits& site : read_rules(text)) list.push_back(site.products[ProductKind::forward].lhs);
    return list;
  };
  CHECK(bits(rule("*", "bits = 6")) == std::vector{6, 6, 6});
  CHECK(bits(rule("*", "bits = 6") + rule("stage1.*", "bits = 4")) == std::vector{6, 4, 4});
  CHECK(bits(rule("*", "bits = 6") + rule("stage?.block?.conv2", "bits = 5")) == std::vector{6, 6, 5});
  CHECK(bits(rule("*conv?", "bits = 5") + rule("stem*", "bits = 7")) == std::vector{7, 5, 5});
  CHECK(bits(rule("*", "float = true") + rule("*1*1", "bits = 3")) == std::vector{0, 3, 0});
  CHECK(bits(rule("stem.conv", "bits = 2") + rule("**conv1**", "bits = 3") + rule("stage1.block0.conv2", "bits = 4")) ==
        std::vector{2, 3, 4});
}

TEST_CASE("plan file: what a plan writes reads back the same") {
  const models::ModelOptions options;
  const std::vector<SiteShape> sites = models::trace_sites(*models::build_model("resnet20", options), options);
  for (const char* text : {"fp32", "U:6", "U:16", "A:C+:4-8", "D:C-:2-16", "R:4-8", "A:C-:4-8,per=product",
                           "R:4-8,per=product", "F:C+:4-8,x=+1,w=-2,grad=+8"}) {
    CAPTURE(text);
    const BitTable bits = assign_bits(parse_plan(text), {}, sites, 128, 1);
    const TemporaryFolder folder;
    trainer::Config config;
    config.model = "resnet20";
    config.plan = text;
    write(folder / "plan.toml", trainer::plan_toml(config, bits, sites));
    CHECK(read_plan_file(folder / "plan.toml", sites) == bits);
    CHECK(read(folder / "plan.toml").starts_with(std::string("# The bits of resnet20 under the plan ") + text + ".\n"));
  }
}

TEST_CASE("plan file: comments have depth as the plan counts it, and the schedule") {
  const std::vector<SiteShape> sites = three_sites();
  trainer::Config config;
  config.plan = "D:C+:4-8";
  const auto toml = [&] {
    return trainer::plan_toml(config, assign_bits(parse_plan("U:6"), {}, sites, 128, 1), sites);
  };
  CHECK(contains(toml(), "# linear: A 8 F 1 D 1 P 64 I 1\n[[rule]]\nsites = \"stage1.block0.conv2\"\n"));
  CHECK_FALSE(contains(toml(), "schedule"));
  config.plan += ",depth=layer";
  config.bits.schedule = "cyclic";
  CHECK(contains(toml(), "# D counts layers.\n"));
  CHECK(contains(toml(), "# linear: A 8 F 1 D 3 P 64 I 1\n[[rule]]\nsites = \"stage1.block0.conv2\"\n"));
  CHECK(
      contains(toml(), "the schedule cyclic: from 3 bits up to the planned ones, again every 32nd of the run; these "));
  config.plan = "my\nplan\x1b.toml";
  CHECK(toml().starts_with("# The bits of  under the plan my\\nplan\\x1b.toml.\n"));
}

TEST_CASE("plan file: every mistake is shown with its line") {
  const std::string all = rule("*", "bits = 6");  // three lines
  struct Row {
    std::string text, message;
  };
  const Row rows[] = {
      {"[[rule]\n", "[plan] my.toml:1: this is not TOML"},
      {all + "\nbits = \n", "[plan] my.toml:5: this is not TOML"},
      {all + "[rules]\n", "[plan] my.toml:4: a plan file holds [[rule]]s and nothing else, not 'rules'"},
      {"bits = 6\n", "[plan] my.toml:1: a plan file holds [[rule]]s and nothing else, not 'bits'"},
      {"rule = []\n", "[plan] my.toml"},
      {"", "[plan] my.toml: there is no [[rule]] in it; `fqt plan MODEL --plan U:6 --toml` writes a file to start"},
      {"# nothing\n", "[plan] my.toml: there is no [[rule]] in it"},
      {all + rule("stem.conv", "bit = 6"),
       "[plan] my.toml:6: a rule has no key 'bit'; known: sites, bits, float, forw"},
      {all + rule("stem.conv", "bits = 4.5"), "[plan] my.toml:6: bits are a whole number from 2 to 16"},
      {all + rule("stem.conv", "bits = \"6\""), "[plan] my.toml:6: bits are a whole number from 2 to 16"},
      {all + rule("stem.conv", "bits = 1"), "[plan] my.toml:6: bits are a whole number from 2 to 16"},
      {all + rule("stem.conv", "bits = 17"), "[plan] my.toml:6: bits are a whole number from 2 to 16"},
      {all + rule("stem.conv", "forward = 6"), "[plan] my.toml:6: a product has two widths, as in [6, 4]"},
      {all + rule("stem.conv", "forward = [6]"), "[plan] my.toml:6: a product has two widths, as in [6, 4]"},
      {all + rule("stem.conv", "forward = [6, 1]"), "[plan] my.toml:6: bits are a whole number from 2 to 16"},
      {all + rule("stem.conv", "float = false"), "[plan] my.toml:6: float is true or left out"},
      {all + rule("stem.conv", "float = 1"), "[plan] my.toml:6: float is true or left out"},
      {all + rule("stem.conv", ""), "[plan] my.toml:4: a rule gives bits = 6, or forward, grad_lhs and grad_rhs"},
      {all + rule("stem.conv", "forward = [6, 6]"), "[plan] my.toml:4: a rule gives bits = 6, or forward"},
      {all + rule("stem.conv", "bits = 6\nfloat = true"), "[plan] my.toml:4: a rule gives bits = 6, or forward"},
      {all + "[[rule]]\nbits = 6\n", "[plan] my.toml:4: a rule has sites = \"...\""},
      {all + "[[rule]]\nsites = 3\nbits = 6\n", "[plan] my.toml:4: a rule has sites = \"...\""},
      {all + rule("", "bits = 6"), "[plan] my.toml:4: a rule has sites = \"...\""},
      {all + rule("*", "bits = 5"), "[plan] my.toml:4: there are two rules for '*', the first at my.toml:1; keep one"},
      {all + rule("stage1.block0.conv3", "bits = 5"),
       "[plan] my.toml:4: no site is called 'stage1.block0.conv3'; did you mean 'stage1.block0.conv1' or "
       "'stage1.block0.conv2'?"},
      {all + rule("conv2", "bits = 5"),
       "[plan] my.toml:4: no site is called 'conv2'; did you mean 'stage1.block0.conv2'?"},
      {all + rule("stem", "bits = 5"), "[plan] my.toml:4: no site is called 'stem'; did you mean 'stem.conv'?"},
      {all + rule("stage1", "bits = 5"),
       "[plan] my.toml:4: no site is called 'stage1'; did you mean 'stage1.block0.conv1' or 'stage1.block0.conv2'?"},
      {all + rule("stage4.*", "bits = 5"), "[plan] my.toml:4: no site is called 'stage4.*'; did you mean 'stage1.*'?"},
      {all + rule("stage1.blok0.*", "bits = 5"),
       "[plan] my.toml:4: no site is called 'stage1.blok0.*'; did you mean 'stage1.block0.*'?"},
      {all + rule("stage1.block?.cnv1", "bits = 5"),
       "[plan] my.toml:4: no site is called 'stage1.block?.cnv1'; did you mean 'stage1.block0.conv1'?"},
      {all + rule("decoder.*", "bits = 5"), "[plan] my.toml:4: no site is called 'decoder.*'"},
      {all + rule("a\\u001b[31m\\nb", "bits = 5"), "[plan] my.toml:4: no site is called 'a\\x1b[31m\\nb'"},
      {rule("stage1.*", "bits = 4") + all,
       "[plan] my.toml:1: the rule for 'stage1.*' decides nothing: '*' at my.toml:4 goes over it; put it behind, or "},
      {all + rule("stem*", "bits = 4") + rule("stage*", "bits = 4"),
       "[plan] my.toml:1: the rule for '*' decides nothing: 'stem*' at my.toml:4, 'stage*' at my.toml:7 go over it; "},
      {rule("stage1.*", "bits = 5"),
       "[plan] my.toml: site 'stem.conv' has no bits: no rule matches it ('stage1.*' at my.toml:1 comes near); add"},
      {rule("*block*", "bits = 5"),
       "[plan] my.toml: site 'stem.conv' has no bits: no rule matches it; add one, or a first rule for all others: "
       "[[rule]], sites = \"*\", bits = 6"},
      {rule("stem.conv", "bits = 5") + rule("stage2.*", "bits = 5"),
       "[plan] my.toml:4: no site is called 'stage2.*'; did you mean 'stage1.*'?"},
      {rule("stem.conv", "bits = 5") + rule("stage1.block0.conv1", "bits = 5"),
       "[plan] my.toml: site 'stage1.block0.conv2' has no bits: no rule matches it ('stage1.block0.conv1' at "
       "my.toml:4 comes near); add one"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string message = plan_file_error(row.text);
    CAPTURE(message);
    CHECK(message.starts_with(row.message));
  }
}

TEST_CASE("plan file: patterns of many stars are matched in no time") {
  std::string stars;
  for (int i = 0; i < 2000; ++i) stars += "*a";
  CHECK(contains(plan_file_error(rule("*", "bits = 6") + rule(stars, "bits = 4")), "no site is called '*a*a"));
  CHECK(read_rules(rule("*", "bits = 6") + rule(std::string(2000, '*') + "conv1", "bits = 4"))[1] ==
        SiteBits::uniform("stage1.block0.conv1", 4));
}

TEST_CASE("plan file: files that are missing or cannot be read") {
  const TemporaryFolder folder;
  const auto kind_of = [&](const std::string& path) {
    try {
      read_plan_file(path, three_sites());
    } catch (const Error& error) {
      CHECK(contains(error.what(), path));
      return error.kind();
    }
    return ErrorKind::internal;
  };
  CHECK(kind_of(folder / "none.toml") == ErrorKind::missing);
  CHECK(kind_of(folder.path()) == ErrorKind::io);
  CHECK(trainer::is_plan_file("plans/my.toml"));
  CHECK_FALSE(trainer::is_plan_file("U:6"));
}
