// `fqt explain`: the same numbers as training, in words and as JSON.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <sstream>
#include <thread>

#include "apps/json.h"
#include "apps/process.h"
#include "quant/product_fixture.h"
#include "trainer/explain/elements.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

namespace {

Outcome explain(std::vector<std::string> arguments, const std::string& folder = "") {
  arguments.insert(arguments.begin(), {"explain", "resnet20"});
  for (const char* flag : {"--batch", "4"}) arguments.emplace_back(flag);
  return fqt_program(arguments, {}, folder);
}

std::string text(const std::vector<std::string>& arguments) {
  const Outcome outcome = explain(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return outcome.out;
}

json explained(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const std::string out = text(arguments);
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  return parse_json(out);
}

bool fits_a_terminal(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 80) {
      MESSAGE(line);
      return false;
    }
  return !contains(text, "\x1b");
}

void check_operand(const json& operand) {
  CAPTURE(operand.dump());
  CHECK(operand["low"] <= operand["high"]);
  const int levels = 1 << operand["bits"].get<int>();
  CHECK(operand["scale"].size() == operand["zero_point"].size());
  CHECK((operand["scale"].size() > 1) == operand["per_channel"].get<bool>());
  CHECK_FALSE(operand["samples"].empty());
  for (const json& sample : operand["samples"]) {
    const size_t channel = sample["channel"];
    const int code = sample["code"], zero_point = operand["zero_point"][channel];
    const float scale = operand["scale"][channel];
    CHECK((code >= -levels / 2 && code < levels / 2));
    CHECK(sample["decoded"] == double{scale} * (code - zero_point));
    if (operand["clip_rate"] == 0)
      CHECK(std::abs(sample["decoded"].get<double>() - sample["value"].get<double>()) < scale * 1.0001);
  }
}

/// The result is the sum times both scales, rounded once; and nothing but that rounding is between it and `decoded`.
void check_element(const json& element) {
  CAPTURE(element.dump());
  const double scale = double{element["lhs_scale"].get<float>()} * double{element["rhs_scale"].get<float>()};
  const float integers = element["integers"];
  CHECK(integers == static_cast<float>(element["held_sum"].get<double>() * scale));
  CHECK(element["sum"] == element["held_sum"]);
  const double decoded = element["decoded"], error = element["errors"]["integers_to_decoded"];
  CHECK(error == integers - decoded);
  CHECK(std::abs(error) <= std::abs(decoded) * 0x1.001p-24);
  CHECK(element["errors"]["decoded"] == decoded - element["float64"].get<double>());
}

void check_codes(const json& product) {
  const json& element = product["elements"][product["codes"]["element"].get<size_t>()];
  int64_t sum = 0;
  for (const json& pair : product["codes"]["pairs"])
    sum += (pair[0].get<int64_t>() - element["lhs_zero_point"].get<int64_t>()) *
           (pair[1].get<int64_t>() - element["rhs_zero_point"].get<int64_t>());
  CHECK(sum == element["sum"]);
  CHECK(product["codes"]["pairs"].size() == product["terms"]);
}

void check_site(const json& site, size_t products) {
  REQUIRE(site["products"].size() == products);
  for (const json& product : site["products"]) {
    CAPTURE(product["product"]);
    check_operand(product["lhs"]);
    check_operand(product["rhs"]);
    REQUIRE(product["elements"].size() >= 2);
    for (const json& element : product["elements"]) {
      check_element(element);
      CHECK(std::abs(element["sum"].get<int64_t>()) <= product["largest_sum"]);
    }
  }
  check_codes(site["products"][0]);
}

/// Writes down every product it is shown.
struct Walker : quant::Probe {
  std::vector<trainer::ProductWalk> walks;
  bool wants_values() const override { return true; }
  void observe(const quant::Observation& observation) override {
    trainer::ProductWalk walk{.kind = observation.product};
    trainer::walk_elements(observation.multiplied, walk);
    walks.push_back(walk);
  }
};

}  // namespace

TEST_CASE("explain: small matrices, by hand") {
  // 2 affine bits over 0 ... 3 have steps of 1 from code -2; over -1 ... 2 steps of 1 about zero point -1.
  ProductFixture fixture(ConvGeometry::matrix(2, 3, 2), integer_precision(2));
  fixture.x.value = Tensor({1, 1, 2, 3}, std::vector<float>{0, 1.25f, 3, 2, 1, 0});
  fixture.w.value = Tensor({1, 1, 3, 2}, std::vector<float>{1, -1, 2, 0, -1, 0.75f});
  fixture.dy = Tensor({1, 1, 2, 2}, std::vector<float>{1, 0, -1, 2});
  Walker walker;
  fixture.probe = &walker;
  fixture.run();
  REQUIRE(walker.walks.size() == 3);

  const trainer::ProductWalk& forward = walker.walks[0];
  REQUIRE(forward.elements.size() == 3);
  const trainer::ElementWalk &first = forward.elements[0], &middle = forward.elements[1],
                             &largest = forward.elements[2];
  // x = [0 1.25 3; 2 1 0] is rounded to [0 1 3; 2 1 0], w = [1 -1; 2 0; -1 0.75] to [1 -1; 2 0; -1 1].
  CHECK(first.index == Shape{0, 0, 0, 0});
  CHECK(first.exact == 1.25 * 2 - 3);
  CHECK(first.decoded == 1 * 2 - 3);
  CHECK((first.computed == -1 && first.sum == -1 && first.held_sum == -1));
  CHECK((first.lhs_scale == 1 && first.rhs_scale == 1 && first.lhs_zero_point == -2 && first.rhs_zero_point == -1));
  CHECK(middle.which == "middle");
  CHECK(middle.index == Shape{0, 0, 1, 1});
  CHECK((middle.exact == -2 && middle.decoded == -2 && middle.computed == -2));
  CHECK(largest.index == Shape{0, 0, 1, 0});
  CHECK((largest.exact == 4 && largest.computed == 4));
  // The middle one: codes of [2 1 0] and of [-1 0 1].
  REQUIRE(forward.codes.size() == 3);
  const int codes[3][2] = {{0, -2}, {-1, -1}, {-2, 0}};
  for (size_t k = 0; k < 3; ++k) CHECK((forward.codes[k].lhs == codes[k][0] && forward.codes[k].rhs == codes[k][1]));

  // dX[0] = dY [1 0] W^T, W as rounded: 1 * 1 + 0 * -1; dY is -1 0 1 2 on a grid of steps of 1, whatever is drawn.
  CHECK((walker.walks[1].elements[0].sum == 1 && walker.walks[1].elements[0].exact == 1));
  CHECK(walker.walks[1].codes.empty());
  // dW[0, 0] = 0 * 1 + 2 * -1.
  CHECK((walker.walks[2].elements[0].sum == -2 && walker.walks[2].elements[0].exact == -2));
}

TEST_CASE("explain: a site's facts are consistent, and are those of the recipe") {
  const json plain = explained({"stage2.block0.conv1"});
  check_site(plain, 3);
  CHECK(plain["step"] == 1);
  CHECK(plain["products"][0]["lhs"]["shape"] == std::vector<int>{4, 32, 32, 16});
  CHECK(plain["products"][0]["rhs"]["shape"] == std::vector<int>{3, 3, 16, 32});
  CHECK(plain["products"][1]["lhs"]["shape"] == std::vector<int>{4, 16, 16, 32});
  CHECK(plain["products"][1]["rhs"]["reused"] == true);
  CHECK(plain["products"][1]["most_terms"] == 4 * 32);  // at stride 2 a pixel meets at most 4 of 9 taps
  CHECK(plain["products"][2]["rhs"]["reused"] == true);

  const json cpt = explained({"stage2.block0.conv1", "--recipe", "cpt"});
  check_site(cpt, 3);
  const json& weights = cpt["products"][0]["rhs"];
  CHECK(weights["scale"].size() == 32);
  for (const json& element : cpt["products"][0]["elements"])
    CHECK(element["rhs_scale"] == weights["scale"][element["index"][3].get<size_t>()]);
  CHECK(cpt["products"][1]["rhs"]["scale"].size() == 1);  // the sum over output channels needs one scale
  CHECK(cpt["products"][1]["rhs"]["reused"] == false);
  CHECK(cpt["products"][1]["lhs"]["bits"] == 8);

  const json banner = explained({"stem.conv", "--recipe", "banner2018", "--plan", "U:8"});
  check_site(banner, 2);  // nobody needs the gradient of images
  CHECK(banner["products"][0]["lhs"]["range"] == "sample_mean");
  CHECK(banner["products"][0]["lhs"]["clip_rate"] > 0);
  CHECK(banner["products"][1]["product"] == "grad_rhs");
  CHECK(banner["products"][1]["rhs"]["bits"] == 16);

  check_site(explained({"head", "--plan", "U:2", "--set", "quant.quantize_head=true"}), 3);
  check_site(explained({"stage3.block0.shortcut.conv", "--plan", "U:16", "--set", "quant.lhs_format=symmetric"}), 3);
  check_site(explained({"stage3.block1.conv2", "--plan", "U:8", "--set", "quant.rhs_rounding=toward_zero"}), 3);
}

TEST_CASE("explain: the accumulator is the one of the widths") {
  const auto forward = [](const std::string& plan) {
    return explained({"stem.conv", "--plan", plan})["products"][0]["accumulator"].get<std::string>();
  };
  CHECK(forward("U:8").starts_with("int32: 27 terms of at most 255 x "));
  CHECK(forward("U:16").starts_with("int64: right differences are split as 256 high + low, and int32 holds runs of "));

  const json emulated = explained({"stage1.block0.conv1", "--set", "quant.accumulator_bits=8"});
  int differ = 0;
  for (const json& product : emulated["products"]) {
    CHECK(product["accumulator"] == "emulated: 8 bits, which wrap");
    CHECK(product["overflows"] > 0);
    for (const json& element : product["elements"]) {
      const int64_t held = element["held_sum"], sum = element["sum"];
      CHECK((held >= -128 && held <= 127));
      CHECK((sum - held) % 256 == 0);
      const double scale = double{element["lhs_scale"].get<float>()} * double{element["rhs_scale"].get<float>()};
      CHECK(element["integers"].get<float>() == static_cast<float>(static_cast<double>(held) * scale));
      differ += held != sum;
    }
  }
  CHECK(differ > 0);
  CHECK(contains(text({"stage1.block0.conv1", "--set", "quant.accumulator_bits=8"}), "the accumulator overflowed"));
}

TEST_CASE("explain: float sites have no codes") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"stage1.block0.conv1", "--plan", "fp32"}, {"head"}}) {
    const json site = explained(arguments);
    REQUIRE(site["products"].size() == 3);
    for (const json& product : site["products"]) {
      CHECK(product["lhs"]["format"] == "fp32");
      CHECK_FALSE(product["lhs"].contains("scale"));
      CHECK(contains(product["accumulator"], "float32"));
      for (const json& element : product["elements"])
        CHECK(element["float32"].get<double>() == doctest::Approx(element["float64"].get<double>()).epsilon(1e-3));
    }
    const std::string words = text(arguments);
    CHECK(contains(words, "Nothing is rounded here"));
    CHECK(fits_a_terminal(words));
    CHECK_FALSE(contains(words, "zero point"));
  }
  CHECK(contains(text({"head"}), "the recipe leaves the classifier head in float32"));
}

TEST_CASE("explain: text of 80 columns with every section") {
  const std::string words = text({"stage2.block0.conv1"});
  for (const char* part : {"FORWARD: Y = X W", "GRAD_LHS", "GRAD_RHS", "scale ", "zero point", "clipped", "SQNR",
                           "Accumulator", "Results in three ways", "by hand", "used again", "up or down at random"})
    CHECK(contains(words, part));
  CHECK(fits_a_terminal(words));
  CHECK(contains(text({"stem.conv"}), "Not computed"));
  for (const char* plan : {"U:2", "U:16", "R:2-16"})
    CHECK(fits_a_terminal(text({"stage3.block0.conv1", "--plan", plan, "--recipe", "cpt"})));
  CHECK(fits_a_terminal(text({"stage1.block1.conv1", "--set", "quant.accumulator_bits=8"})));
  CHECK(fits_a_terminal(text({"stem.conv", "--recipe", "banner2018"})));
}

TEST_CASE("explain: without a site, all products") {
  const Outcome outcome = fqt_program({"explain", "resnet110"});
  REQUIRE(outcome.exit_code == 0);
  CHECK(fits_a_terminal(outcome.out));
  for (const char* part :
       {"stage3.block17.conv2", "head", "accumulation", "131,072 x    16 x        27     6 x 6", "fp32"})
    CHECK(contains(outcome.out, part));
  const json model = explained({"--plan", "A:C-:4-8"});
  CHECK(model["sites"].size() == 22);
  CHECK(model["plan"] == "A:C-:4-8");
  const json& stem = model["sites"][0];
  CHECK(stem["site"] == "stem.conv");
  REQUIRE(stem["products"].size() == 3);
  CHECK(stem["products"][0]["m"] == 4 * 32 * 32);
  CHECK(stem["products"][0]["n"] == 16);
  CHECK(stem["products"][0]["terms"] == 27);
  CHECK(stem["products"][0]["A"] == 27);
  CHECK(stem["products"][0]["F"] == 32 * 32);
  CHECK(stem["products"][0]["D"] == 1);
  CHECK((stem["products"][1]["computed"] == false && stem["products"][2]["computed"] == true));
  CHECK((stem["products"][2]["F"] == 27 && stem["products"][2]["rhs_uses"] == 27));
  CHECK(contains(outcome.out, "  grad_lhs   131,072 x     3 x       144         -"));
  CHECK(contains(outcome.out, "F: frequency, uses of an element of the right operand for one sample"));
  CHECK(contains(outcome.out, "D: depth, stage from the input"));
  const json layers = explained({"--plan", "D:C-:4-8,depth=layer"});
  for (size_t i = 0; i < layers["sites"].size(); ++i) CHECK(layers["sites"][i]["products"][0]["D"] == i + 1);
  CHECK(contains(text({"--plan", "D:C-:4-8,depth=layer"}), "D: depth, layer from the input"));
  // C-: few terms, many bits.
  for (const json& site : model["sites"])
    if (site["site"] == "stage2.block0.shortcut.conv") CHECK(site["products"][0]["lhs_bits"] == 8);
  CHECK(model["sites"].back()["products"][0]["lhs_bits"] == 32);
}

TEST_CASE("explain: the step it shows is the step a run takes, and nothing is left behind") {
  const TemporaryFolder folder;
  const Outcome outcome = explain({"stage1.block2.conv1", "--steps", "2", "--json"}, folder.path());
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(contains(outcome.err, "batch 4, 3 steps"));
  CHECK(std::filesystem::is_empty(folder.path()));
  const json site = parse_json(outcome.out);
  check_site(site, 3);
  CHECK((site["step"] == 3 && site["steps"] == 3));

  const Outcome run = fqt_program({"train", "resnet20", "--batch", "4", "--steps", "3", "--set", "eval.images=1",
                                   "--set", "probe.every=2", "--out", folder / "run"});
  REQUIRE(run.exit_code == 0);
  std::istringstream log(read(folder / "run/log.jsonl")), probes(read(folder / "run/probes.jsonl"));
  std::string line;
  for (int i = 0; i < 3; ++i) std::getline(log, line);
  CHECK(parse_json(line)["loss"] == site["loss"]);
  int found = 0;
  while (std::getline(probes, line)) {
    const json record = parse_json(line);
    if (record["site"] != "stage1.block2.conv1" || record["step"] != 3) continue;
    for (const json& product : site["products"]) {
      if (product["product"] != record["product"]) continue;
      ++found;
      for (const char* key : {"accumulator", "largest_sum", "accumulator_peak", "terms"})
        CHECK(record[key] == product[key]);
      for (const char* operand : {"lhs", "rhs"}) {
        CHECK(record[operand]["scale"].get<float>() == product[operand]["scale"][0].get<float>());
        CHECK(record[operand]["sqnr_db"] == product[operand]["sqnr_db"]);
      }
    }
  }
  CHECK(found == 3);
  CHECK(contains(explain({"stem.conv", "--steps", "1", "--quiet"}).out, "after 1 step of training"));
}

TEST_CASE("explain: bits follow the schedule of the run that the step is part of") {
  const auto bits = [](const json& site) { return site["products"][0]["lhs"]["bits"].get<int>(); };
  // 3 + 3/2 (1 - cos(pi t/8)) at t = 0 and 2: 3 and 3.44; at t = 2 of a cycle of 2 it begins anew; of 3: 3 + 9/4.
  const std::vector<std::string> cyclic{"stage1.block0.conv1", "--set", "bits.schedule=cyclic"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), cyclic.begin(), cyclic.end());
    return more;
  };
  const json start = explained(cyclic);
  CHECK(bits(start) == 3);
  CHECK(start["schedule"] == json{{"name", "cyclic"}, {"low", 3}, {"period", 12}});  // of 400 steps
  const json third = explained(with({"--steps", "2"}));
  CHECK(bits(third) == 5);
  CHECK(third["schedule"]["period"] == 3);
  CHECK((third["step"] == 3 && third["steps"] == 3));
  const json inside = explained(with({"--steps", "2", "--set", "train.steps=100"}));
  CHECK(bits(inside) == 3);
  CHECK(inside["schedule"]["period"] == 8);
  CHECK((inside["step"] == 3 && inside["steps"] == 100));
  CHECK(bits(explained(with({"--steps", "2", "--set", "bits.period=2"}))) == 3);
  // 3 + 3 * 2 / 4 = 4.5, to the even one
  CHECK(bits(explained({"stage1.block0.conv1", "--steps", "2", "--set", "bits.schedule=progressive", "--set",
                        "train.steps=8"})) == 4);
  const std::string words = text(with({"--steps", "2", "--set", "train.steps=100"}));
  CHECK(fits_a_terminal(words));
  CHECK(contains(words, "cyclic: from 3 bits up to the planned ones, again every 8 steps;\n"));
  CHECK(contains(words, "below are the bits of step 3 of 100"));
  CHECK(contains(words, "X [4, 32, 32, 16]: affine, 3 bits"));
  CHECK(contains(text({"--set", "bits.schedule=cyclic"}), "below are the planned ones"));
  CHECK(explained({})["schedule"] == json{{"name", "constant"}});
  CHECK_FALSE(contains(text({"head"}), "schedule"));
}

TEST_CASE("explain: a signal ends it cleanly") {
  Process process({"explain", "resnet20", "head", "--batch", "4", "--steps", "1000000"});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  process.signal(SIGINT);
  const Outcome outcome = process.wait();
  CHECK(outcome.exit_code == 130);
  CHECK(outcome.out.empty());
  CHECK(contains(outcome.err, "fqt: [explain] interrupted"));
}

TEST_CASE("explain: what people get wrong") {
  const auto error = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = explain(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    return outcome.err;
  };
  CHECK(contains(error({"stage2.blok0.conv1"}),
                 "resnet20 has no site 'stage2.blok0.conv1'; did you mean 'stage2.block0.conv1'?"));
  CHECK(contains(error({"stage2.conv1"}),
                 "did you mean 'stage2.block0.conv1', 'stage2.block1.conv1' or 'stage2.block2.conv1'?\n"));
  CHECK(contains(error({"xyz"}), "no site 'xyz'; `fqt explain resnet20` lists them"));
  CHECK(contains(error({"head", "--plan", "U:1"}), "U:1"));
  CHECK(contains(error({"head", "--steps", "0"}), "--steps"));
  CHECK(contains(error({"--steps", "3"}), "name the layer"));
  CHECK(contains(error({"head", "--steps", "8", "--set", "train.steps=8"}), "none of a run of 8"));
  CHECK(contains(error({"head", "--set", "bits.period=1"}), "bits.period: a cycle of 1 step never leaves bits.low"));
  CHECK(contains(error({"head", "--recipe", "best"}), "best"));
  CHECK(fqt_program({"explain"}).exit_code == 2);
  CHECK(fqt_program({"explain", "resnet21"}).exit_code == 2);
}
