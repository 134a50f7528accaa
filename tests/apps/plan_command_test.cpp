#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "apps/json.h"
#include "apps/process.h"
#include "trainer/plan_view/plan_view.h"
#include "trainer/plan_view/svg.h"
#include "trainer/plan_view/table.h"
#include "trainer/plan_view/text.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

namespace {

std::vector<std::string> plan_of(const std::vector<std::string>& plans, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"plan", "resnet20"};
  for (const std::string& plan : plans) arguments.insert(arguments.end(), {"--plan", plan});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string output(const std::vector<std::string>& arguments, const Process::Environment& environment = {}) {
  const Outcome outcome = fqt_program(arguments, environment);
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  return outcome.out;
}

std::string error(int expected_code, const std::vector<std::string>& arguments, const TemporaryFolder& folder = {}) {
  const Outcome outcome = fqt_program(arguments, {}, folder.path());
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == expected_code);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("fqt: ["));
  return outcome.err;
}

void check_width(const std::string& text, size_t width) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(trainer::text_width(line) <= width);
    CHECK_FALSE(line.ends_with(' '));
  }
}

const std::vector<std::string> kSeven{"U:6", "A:C+:4-8", "A:C-:4-8", "F:C+:4-8", "F:C-:4-8", "D:C+:4-8", "D:C-:4-8"};

trainer::PlanView view_of(const std::string& model, const std::vector<std::string>& plans) {
  std::vector<trainer::Config> configs;
  for (const std::string& plan : plans)
    configs.push_back(trainer::resolve_config({{{"model", model, "model"}, {"plan", plan, "--plan"}}}));
  return trainer::view_plans(configs, {});
}

/// Rows of fields (RFC 4180).
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows{{""}};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"')
      quoted = !quoted;  // a doubled quote closes and opens: none is among the fields tested here
    else if (!quoted && c == ',')
      rows.back().emplace_back();
    else if (!quoted && c == '\n')
      rows.emplace_back(1);
    else
      rows.back().back() += c;
  }
  rows.pop_back();
  return rows;
}

}  // namespace

TEST_CASE("plan command: one plan for a person") {
  const std::string text = output(plan_of({"A:C-:4-8"}));
  check_width(text, 80);
  for (const char* part :
       {"resnet20, plan A:C-:4-8, recipe paper, batch 128, seed 1\n",
        "site                         kind      A     F  D  bits\n",
        "stem.conv                    conv     27  1024  1     7  ███████\n",
        "stage2.block0.shortcut.conv  conv     16   256  2     8  ████████\n",
        "head                         linear   64     1  4  fp32\n",
        "weights      1.210  0.151  as the forward product reads them\n",
        "A:C-:4-8: bits fall with accumulation (terms of each sum)\n", "mean bits   5.35; weighted"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
  CHECK_FALSE(contains(text, "\x1b"));  // standard output is no terminal
  CHECK(output(plan_of({})).find("plan U:6") != std::string::npos);
  CHECK(output(plan_of({"fp32"})).find("mean bits   -") != std::string::npos);
}

TEST_CASE("plan command: products of other widths are shown") {
  const std::string offsets = output(plan_of({"U:6,x=+1,grad=+10"}));
  check_width(offsets, 80);
  CHECK(contains(offsets, "  7      7x6  16x6  7x16  "));
  CHECK(contains(offsets, "forward: X x W; grad lhs: dY x W; grad rhs: X x dY\n"));
  const std::string recipe = output(plan_of({"U:6"}, {"--recipe", "cpt"}));
  CHECK(contains(recipe, "6      6x6   8x6   6x8"));
  CHECK(contains(recipe, "stem.conv                conv     27  1024  1     6      6x6     -   6x8"));
  CHECK_FALSE(contains(output(plan_of({"U:6"})), "6x6"));
  CHECK(contains(output(plan_of({"U:6"}, {"--set", "bits.schedule=cyclic"})),
                 "bits follow the schedule cyclic: from 3 bits up to the planned ones"));
  const std::string both = output(plan_of({"U:6", "A:C-:4-8,per=product"}));
  check_width(both, 80);
  CHECK(contains(both, "* operands of other widths"));
}

TEST_CASE("plan command: plans side by side") {
  const std::string three = output(plan_of({"U:6", "A:C+:4-8", "A:C-:4-8"}));
  check_width(three, 80);
  for (const char* part : {"                           U       A:C+       A:C-\n",
                           "stem.conv                     27  1024  1  ███     6  ██▌     5  ███▌    7\n",
                           "weights, Mbit                                  1.642      2.074      1.210\n",
                           "[3] A:C-:4-8  bits fall with accumulation (terms of each sum)\n"}) {
    CAPTURE(part);
    CHECK(contains(three, part));
  }
  // Depth as each plan counts it.
  const std::string layers = output(plan_of({"D:C+:4-8,depth=layer", "D:C-:4-8,depth=layer"}));
  CHECK(contains(layers, "head                          64     1  22 "));
  const std::string mixed = output(plan_of({"D:C+:4-8,depth=layer", "D:C+:4-8"}));
  check_width(mixed, 80);
  CHECK(contains(mixed, "A     F  stage  layer "));
  CHECK(contains(mixed, "stage3.block2.conv2          576    64      3     21 "));
  CHECK(contains(mixed, "[1] D:C+:4-8,depth=layer  bits rise with depth (layer from the input)\n"));
  CHECK(contains(mixed, "[2] D:C+:4-8              bits rise with depth (stage from the input)\n"));
  const std::string seven = output(plan_of(kSeven));
  check_width(seven, 80);
  CHECK(contains(seven, "   U  A:C+  A:C-  F:C+  F:C-  D:C+  D:C-\n"));
  CHECK(contains(seven, "stage2.block0.shortcut.conv  16  256 2     6     4     8     6     6     6     6\n"));
  std::vector<std::string> thirty;
  for (int i = 0; i < 30; ++i) thirty.push_back("A:C+:2-16,map=logarithmic");
  check_width(output(plan_of(thirty)), 80);
}

TEST_CASE("plan command: any width of a terminal, with colours that take no room") {
  for (const std::vector<std::string>& plans : {std::vector<std::string>{"A:C-:2-16"}, {"R:4-8,per=product"}, kSeven})
    for (const char* model : {"resnet20", "resnet110"}) {
      const trainer::PlanView view = view_of(model, plans);
      for (const size_t width : {40, 48, 60, 72, 80, 100, 120}) {
        CAPTURE(width);
        const std::string plain = trainer::plan_text(view, {width, false});
        check_width(plain, width);
        std::string bare, colored = trainer::plan_text(view, {width, true});
        CHECK(contains(colored, "\x1b["));
        for (size_t i = 0; i < colored.size(); ++i) {
          if (colored[i] == '\x1b')
            i = colored.find('m', i);
          else
            bare += colored[i];
        }
        CHECK(bare == plain);
      }
    }
}

TEST_CASE("plan command: names stay apart where there is little room") {
  for (const char* model : {"resnet20", "resnet110", "mobilenet_v2", "resnet50"}) {
    CAPTURE(model);
    const trainer::PlanView view = view_of(model, kSeven);
    std::istringstream lines(trainer::plan_text(view, {40, false}));
    std::string line;
    std::set<std::string> names;
    while (std::getline(lines, line) && !line.starts_with("site")) {
    }
    for (size_t i = 0; i < view.sites.size(); ++i) {
      REQUIRE(std::getline(lines, line));
      names.insert(line.substr(0, line.find(' ')));
    }
    CHECK(names.size() == view.sites.size());
  }
}

TEST_CASE("plan command: COLUMNS says how wide it is where there is no terminal") {
  const std::string narrow = output(plan_of({"A:C-:4-8"}), {{"COLUMNS", "40"}});
  check_width(narrow, 40);
  CHECK(contains(narrow, "\ns3.b0.s.conv  conv     32    64  3     6\n"));
  CHECK(output(plan_of({"A:C-:4-8"}), {{"COLUMNS", "wide"}}) == output(plan_of({"A:C-:4-8"}), {{"COLUMNS", "80"}}));
}

TEST_CASE("plan command: --json") {
  const json printed = parse_json(output(plan_of({"A:C-:4-8,grad=+1"}, {"--json", "--batch", "64"})));
  CHECK(printed["model"] == "resnet20");
  CHECK(printed["plan"] == "A:C-:4-8,grad=+1");
  CHECK(printed["metric"] == "A");
  CHECK(printed["batch"] == 64);
  REQUIRE(printed["sites"].size() == 22);
  // 8x8x64 in, 8x8x64 out, 3x3, 64 samples.
  const json& site = printed["sites"][20];
  CHECK(site["site"] == "stage3.block2.conv2");
  CHECK(site["kind"] == "convolution");
  CHECK((site["bits"] == 4 && site["A"] == 576 && site["F"] == 64 && site["D"] == 3));
  const auto check = [&](const char* product, std::vector<int> expected) {
    const json& row = site["products"][product];
    CHECK(std::vector<int>{row["M"], row["N"], row["K"], row["lhs_bits"], row["rhs_bits"]} == expected);
  };
  check("forward", {64 * 64, 64, 576, 4, 4});
  check("grad_lhs", {64 * 64, 64, 576, 5, 4});
  check("grad_rhs", {576, 64, 64 * 64, 4, 5});
  // 3x3 over 64 channels: an element of X or dY meets 576 weights; a weight meets 8x8 positions of a sample.
  const auto uses = [&](const char* product) {
    const json& row = site["products"][product];
    return std::vector<int>{row["A"], row["lhs_uses"], row["rhs_uses"]};
  };
  CHECK(uses("forward") == std::vector{576, 576, 64});
  CHECK(uses("grad_lhs") == std::vector{576, 576, 64});
  CHECK(uses("grad_rhs") == std::vector{64 * 64, 576, 576});
  // What nobody needs is shown, but not counted.
  const json& stem = printed["sites"][0]["products"];
  CHECK((stem["grad_lhs"]["computed"] == false && stem["grad_lhs"]["macs"] == 0 && stem["grad_lhs"]["A"] == 144));
  int64_t multiplies = 0, not_computed = 0;
  for (const json& row : printed["sites"])
    for (const json& product : row["products"]) {
      multiplies += product["macs"].get<int64_t>();
      not_computed += product["computed"] == false;
    }
  CHECK(printed["size"]["macs"] == multiplies);
  CHECK(not_computed == 1);
  const json& head = printed["sites"][21];
  CHECK(head["bits"].is_null());
  CHECK(head["products"]["forward"]["lhs_bits"] == 32);
  CHECK(head["D"] == 4);
  for (const char* kind : {"weights", "activations", "gradients"}) {
    const double mb = printed["size"][std::string(kind) + "_mb"], mbit = printed["size"][std::string(kind) + "_mbit"];
    CHECK(mb > 0);
    CHECK(mbit == doctest::Approx(8 * mb));
  }
  for (const char* key : {"macs", "bitops", "mean_bits", "weighted_bits"}) CHECK(printed["size"][key] > 0);

  const std::string uniform = output(plan_of({"U:6"}, {"--json"}));
  CHECK(contains(uniform, "\"activations_mb\":20.381696,"));
  const json several = parse_json(output(plan_of({"U:6", "D:C+:4-8,depth=layer"}, {"--json"})));
  CHECK(several["model"] == "resnet20");
  REQUIRE(several["plans"].size() == 2);
  CHECK(several["plans"][0] == [] {
    json one = parse_json(output(plan_of({"U:6"}, {"--json"})));
    for (const char* key : {"model", "recipe", "batch", "seed", "schedule"}) one.erase(key);
    return one;
  }());
  CHECK(several["plans"][1]["sites"][20]["D"] == 21);
  CHECK(parse_json(output(plan_of({"fp32"}, {"--json"})))["size"]["mean_bits"].is_null());
  CHECK(printed["schedule"] == json{{"name", "constant"}});
  const auto schedule = [](const std::string& key) {
    return parse_json(output(plan_of({}, {"--json", "--set", "bits.schedule=cyclic", "--set", key})))["schedule"];
  };
  CHECK(schedule("bits.low=4") == json{{"name", "cyclic"}, {"low", 4}, {"period", nullptr}});
  CHECK(schedule("train.steps=640") == json{{"name", "cyclic"}, {"low", 3}, {"period", 20}});
  // What runs is what the recipe makes of it.
  const json recipe = parse_json(output(plan_of({"U:6"}, {"--json", "--set", "quant.grad_bits=8"})));
  CHECK(recipe["sites"][0]["bits"] == 6);
  CHECK(recipe["sites"][0]["products"]["grad_lhs"]["lhs_bits"] == 8);
}

TEST_CASE("plan command: --csv") {
  const auto rows = parse_csv(output(plan_of({"U:6", "A:C-:4-8,map=ranked"}, {"--csv"})));
  REQUIRE(rows.size() == 1 + 2 * 22);
  for (const auto& row : rows) CHECK(row.size() == rows[0].size());
  const auto field = [&](size_t row, const std::string& column) {
    const auto found = std::find(rows[0].begin(), rows[0].end(), column);
    REQUIRE(found != rows[0].end());
    return rows[row][static_cast<size_t>(found - rows[0].begin())];
  };
  CHECK(field(1, "plan") == "U:6");
  CHECK(field(23, "plan") == "A:C-:4-8,map=ranked");
  CHECK((field(1, "site") == "stem.conv" && field(1, "bits") == "6" && field(1, "A") == "27"));
  CHECK((field(1, "grad_rhs_M") == "27" && field(1, "grad_rhs_K") == "131072"));
  CHECK((field(1, "forward_A") == "27" && field(1, "forward_lhs_uses") == "144" &&
         field(1, "forward_rhs_uses") == "1024" && field(1, "grad_rhs_A") == "131072"));
  CHECK((field(1, "forward_computed") == "1" && field(1, "grad_lhs_computed") == "0"));
  CHECK((field(22, "site") == "head" && field(22, "bits").empty() && field(22, "forward_rhs_bits") == "32"));
}

TEST_CASE("plan command: a plan file trains to the same weights as the plan it was written from") {
  for (const std::string plan : {"A:C-:4-8", "R:2-8,per=product"}) {
    CAPTURE(plan);
    const TemporaryFolder folder;
    write(folder / "my.toml", output(plan_of({plan}, {"--toml", "--batch", "4", "--seed", "3"})));
    const auto hash = [&](const std::string& given) {
      const Outcome outcome =
          fqt_program({"train", "resnet20", "--plan", given, "--steps", "2", "--batch", "4", "--seed", "3", "--threads",
                       "1", "--set", "eval.images=1", "--json", "--quiet"},
                      {}, folder.path());
      CAPTURE(outcome.err);
      REQUIRE(outcome.exit_code == 0);
      return parse_json(outcome.out)["weights_hash"].get<std::string>();
    };
    const std::string by_name = hash(plan);
    CHECK(hash("my.toml") == by_name);
    CHECK(hash("U:6") != by_name);
  }
}

TEST_CASE("plan command: a plan file is shown like any plan") {
  const TemporaryFolder folder;
  write(folder / "my.toml", "[[rule]]\nsites = \"*\"\nbits = 5\n[[rule]]\nsites = \"head\"\nfloat = true\n");
  const Outcome outcome = fqt_program(plan_of({"my.toml", "U:5"}), {}, folder.path());
  CHECK(outcome.exit_code == 0);
  check_width(outcome.out, 80);
  CHECK(contains(outcome.out, "bits from the rules of a file"));
  const json printed = parse_json(fqt_program(plan_of({"my.toml", "U:5"}, {"--json"}), {}, folder.path()).out);
  CHECK(printed["plans"][0]["size"] == printed["plans"][1]["size"]);
  CHECK(printed["plans"][0]["sites"] == printed["plans"][1]["sites"]);
}

TEST_CASE("plan command: --svg") {
  const TemporaryFolder folder;
  const Outcome outcome = fqt_program(plan_of({"U:6", "D:C+:4-8,grad=+2"}, {"--svg", "plans.svg"}), {}, folder.path());
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "wrote plans.svg\n"));
  const std::string svg = read(folder / "plans.svg");
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  for (const char* part : {">U:6<", ">D:C+:4-8,grad=+2<", ">stage2.block0.shortcut.conv<", ">float32<",
                           "least to most of all operands", "stem.conv: 4 bits"})
    CHECK(contains(svg, part));
  const auto count = [&](const std::string& part) {
    size_t times = 0;
    for (size_t at = 0; (at = svg.find(part, at)) != std::string::npos; ++at) ++times;
    return times;
  };
  CHECK(count("</text>") == count("<text "));
  CHECK(count("</title>") == count("<title>"));
  CHECK(count(" bits</title>") == 2 * 21);  // a bar for each quantized layer and plan
  CHECK_FALSE(contains(svg, "nan"));
  const Outcome cyclic = fqt_program(
      plan_of({"U:6"}, {"--svg", "cyclic.svg", "--toml", "--set", "bits.schedule=cyclic"}), {}, folder.path());
  CHECK(contains(cyclic.out, "# In training they follow the schedule cyclic: from 3 bits up to the planned ones"));
  CHECK(contains(read(folder / "cyclic.svg"), "the same bits everywhere; schedule cyclic: from 3 bits"));
  // A line at the top of an axis of bits, above an odd number of them, too.
  const std::string odd = trainer::plan_svg(view_of("resnet20", {"U:13"}));
  CHECK((contains(odd, ">14</text>") && contains(odd, ">12</text>")));
  CHECK_FALSE(contains(odd, "schedule"));
  for (const char* model : {"resnet8", "resnet110"})
    CHECK_FALSE(contains(trainer::plan_svg(view_of(model, {"fp32", "I:C-:2-16", "P:C+:4-4"})), "nan"));
}

TEST_CASE("plan command: a model is built for the data that is given") {
  const TemporaryFolder folder;
  write(folder / "letters.txt", "abcabcbacbabcabcabcbabcabababc abcabcbacbabcabcabcbabcabababc");
  const std::vector<std::string> data{"--data", folder / "letters.txt", "--set", "level=char", "--set", "sequence=6"};
  std::vector<std::string> arguments{"plan", "lstm_lm"};
  CHECK(contains(output(arguments), "built for 35 tokens a row of a vocabulary of 588\n"));
  arguments.insert(arguments.end(), data.begin(), data.end());
  CHECK(contains(output(arguments), "built for 6 tokens a row of a vocabulary of 4\n"));
  CHECK(contains(output({"plan", "resnet20", "--data", "shapes", "--set", "images.side=48"}),
                 "built for 48x48x3 pixels and 10 classes\n"));
  CHECK(
      contains(error(kUsage, {"plan", "resnet20", "--data", "grammar"}), "resnet20 reads images, and grammar is text"));
  CHECK(contains(error(kUsage, {"plan", "resnet20", "--data", "shapes", "--classes", "5"}),
                 "--classes and --data both say what the model is built for"));
  CHECK(contains(error(kMissing, {"plan", "resnet20", "--data", "nowhere"}), "\"nowhere\" is neither built-in data"));
}

TEST_CASE("plan command: what people get wrong") {
  CHECK(contains(error(kUsage, {"plan", "resnet21"}), "no model 'resnet21'; known:\n  alexnet"));
  CHECK(contains(error(kUsage, {"plan"}), "no model is named"));
  CHECK(contains(error(kUsage, plan_of({"Z:C+:4-8"})), "--plan: [plan] 'Z:C+:4-8': no strategy or metric 'Z'"));
  CHECK(contains(error(kUsage, plan_of({"U:6", "A:C+:8-4"})), "'A:C+:8-4'"));
  CHECK(contains(error(kUsage, plan_of({"U:2,w=-1"})), "make 1 at site 'stem.conv'"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--set", "plan=U:5"})), "plan is given twice"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--json", "--csv"})), "--json excludes --csv"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--json", "--toml"})), "excludes"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--toml", "--csv"})), "excludes"));
  CHECK(contains(error(kUsage, plan_of({"U:6", "U:5"}, {"--toml"})), "--toml writes the file of one plan"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--batch", "0"})), "--batch: '0' is not allowed"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--recipe", "papre"})), "--recipe: 'papre' is not allowed"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--set", "quant.gradbits=8"})), "did you mean 'quant.grad_bits'?"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--set", "bits.period=1"})), "bits.period: a cycle of 1 step"));
  CHECK(contains(error(kUsage, plan_of({"my.plan"})), "'my.plan' would be a file, but the names of plan files end in"));
  CHECK(contains(error(kUsage, plan_of({"plans/my\x1b"})), "'plans/my\\x1b' would be a file"));
  CHECK(contains(error(kMissing, plan_of({"my\nplan\x1b.toml"})), "there is no file my\nplan\\x1b.toml"));
  CHECK(contains(error(kUsage, plan_of({"U:4.5"})), "'4.5' is no whole number of bits"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--image", "32x32"})), "'32x32' is no size"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--image", "32x32x3x"})), "HEIGHTxWIDTHxCHANNELS"));
  for (const char* size : {"32x32x3", "64"})
    CHECK(
        contains(error(kUsage, {"plan", "lstm_lm", "--image", size}), "reads text; give the words of its vocabulary"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--classes", "0"})), "--classes"));
  CHECK(contains(error(kUsage, plan_of({"U:6"}, {"--jsn"})), "did you mean '--json'?"));

  const TemporaryFolder folder;
  CHECK(contains(error(kIo, plan_of({"U:6"}, {"--svg", "none/plan.svg"}), folder), "none/plan.svg cannot be written"));
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(contains(error(kMissing, plan_of({"mine.toml"}), folder), "there is no file mine.toml"));
  std::filesystem::create_directory(folder / "folder.toml");
  CHECK(contains(error(kIo, plan_of({"folder.toml"}), folder), "folder.toml cannot be read"));
  write(folder / "my.toml", "[[rule]]\nsites = \"stem.con\"\nbits = 4\n");
  CHECK(contains(error(kUsage, plan_of({"my.toml"}), folder),
                 "my.toml:1: no site is called 'stem.con'; did you mean 'stem.conv'?"));
  write(folder / "my.toml", "[[rule]]\nsites = \"*\"\nbits = 4.5\n");
  CHECK(contains(error(kUsage, plan_of({"my.toml"}, {"--json"}), folder), "my.toml:3: bits are a whole number"));

  const std::string kept = "[[rule]]\nsites = \"*\"\nbits = 4\n";
  write(folder / "my.toml", kept);
  std::filesystem::create_symlink("my.toml", folder / "link.svg");
  for (const char* svg : {"my.toml", "./my.toml", "link.svg"})
    CHECK(contains(error(kUsage, plan_of({"U:6", "my.toml"}, {"--svg", svg}), folder), "is a plan file"));
  CHECK(read(folder / "my.toml") == kept);
}

TEST_CASE("plan command: pieces of the table") {
  using namespace fqt::trainer;
  CHECK(shorten("stage1.block0.conv1", 19) == "stage1.block0.conv1");
  CHECK(shorten("stage1.block0.conv1", 10) == "stage…onv1");
  CHECK(shorten("äöüßäöüß", 5) == "äö…üß");
  CHECK(shorten_name("stage1.block0.conv1", 19) == "stage1.block0.conv1");
  CHECK(shorten_name("stage1.block0.conv1", 18) == "s1.block0.conv1");
  CHECK(shorten_name("stage1.block0.conv1", 12) == "s1.b0.conv1");
  CHECK(shorten_name("stage3.block0.shortcut.conv", 12) == "s3.b0.s.conv");
  CHECK(shorten_name("features.17.conv.0.0", 12) == "f.17.c.0.0");
  CHECK(shorten_name("stage1.block0.conv1", 8) == "s1.b0.c1");
  CHECK(shorten_name("stage1.block0.conv1", 7) == "s1.….c1");
  CHECK(shorten_name("head", 4) == "head");
  CHECK(text_width("███▌ 7") == 6);
  CHECK(block_bar(0).empty());
  CHECK(block_bar(28) == "███▌");
  CHECK(rounded(0.2053) == "0.205");
  CHECK(rounded(1.6416) == "1.642");
  CHECK(rounded(27) == "27.00");
  CHECK(rounded(99.996) == "100.0");
  CHECK(rounded(163.12) == "163.1");
  CHECK(rounded(11131.4) == "11,131");
  CHECK(wrap("one two three", 7, 2) == "one two\n  three");
  CHECK(wrap("one", 2, 0) == "one");
  CHECK(wrap("", 10, 2).empty());
}
