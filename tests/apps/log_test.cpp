#include "trainer/log.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;

TEST_CASE("log: every line is an object, whole at once, even where a loss is not a number") {
  const TemporaryFolder folder;
  trainer::Log log(folder / "log.jsonl");
  log.step({.step = 1, .loss = 2.5, .accuracy = 12.5, .learning_rate = 0.1, .seconds = 0.25});
  log.step({.step = 2, .loss = std::numeric_limits<double>::quiet_NaN()});
  log.evaluation(2, {{"test_loss", 1.5}, {"test_accuracy", 50}});
  log.end("diverged", 2, "the loss is \"nan\"\n");
  std::istringstream lines(read(folder / "log.jsonl"));  // the log is still open: nothing waits in a buffer
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(parse_json(line));
  REQUIRE(records.size() == 4);
  CHECK(records[0]["event"] == "step");
  CHECK(records[0]["loss"] == 2.5);
  CHECK(records[1]["loss"].is_null());
  CHECK(records[2]["test_accuracy"] == 50);
  CHECK(records[3]["event"] == "diverged");
  CHECK(records[3]["message"] == "the loss is \"nan\"\n");
}

TEST_CASE("log: a measured step leaves a line for each product of each site, and changes no bit") {
  const TemporaryFolder folder;
  const auto train = [&](const std::string& run, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"train", "resnet8",       "--steps", "3",     "--batch",   "4",
                                       "--set", "eval.images=1", "--json",  "--out", folder / run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = fqt_program(arguments);
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return parse_json(outcome.out)["weights_hash"].get<std::string>();
  };
  CHECK(train("plain", {}) == train("probed", {"--set", "probe.every=2"}));
  CHECK_FALSE(std::filesystem::exists(folder / "plain/probes.jsonl"));
  std::istringstream lines(read(folder / "probed/probes.jsonl"));
  std::map<std::string, int> products;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const nlohmann::json record = parse_json(line);
    const int step = record["step"];
    CHECK((step == 1 || step == 3));
    ++products[record["product"]];
    if (record["site"] == "head") {
      CHECK(record["lhs"]["format"] == "fp32");
      continue;
    }
    CHECK(record["largest_sum"] > 0);
    CHECK(record["accumulator_peak"] >= record["largest_sum"]);
    for (const char* operand : {"lhs", "rhs"}) {
      CHECK(record[operand]["bits"] == 6);
      CHECK((record[operand]["zero_point"] >= -32 && record[operand]["zero_point"] <= 31));
      CHECK(record[operand]["sqnr_db"] > 10);
      CHECK(record[operand]["histogram"].size() == 64);
    }
  }
  // Stem, 3 blocks of two, 2 shortcuts, head: 10 sites in 2 steps; the stem's input wants no gradient.
  CHECK((products["forward"] == 20 && products["grad_rhs"] == 20 && products["grad_lhs"] == 18));
}

TEST_CASE("log: an emulated accumulator's overflows are in the manifest, by site and product") {
  const TemporaryFolder folder;
  const Outcome outcome = fqt_program({"train", "resnet8", "--steps", "1", "--batch", "2", "--set", "eval.images=1",
                                       "--set", "quant.accumulator_bits=10", "--set",
                                       "quant.accumulator_overflow=saturate", "--out", folder / "run"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const nlohmann::json manifest = parse_json(read(folder / "run/manifest.json"));
  CHECK(manifest["recipe"] == "paper, accumulator_bits=10, accumulator_overflow=saturate");
  CHECK(manifest["accumulator_overflows"]["stage1.block0.conv1"]["forward"] > 0);
  CHECK(manifest["accumulator_overflows"]["head"]["forward"] == 0);  // in float
  // Steps of training count, evaluation does not.
  const Outcome longer = fqt_program({"train", "resnet8", "--steps", "1", "--batch", "2", "--set", "eval.images=3",
                                      "--set", "quant.accumulator_bits=10", "--set",
                                      "quant.accumulator_overflow=saturate", "--out", folder / "more"});
  REQUIRE(longer.exit_code == 0);
  CHECK(parse_json(read(folder / "more/manifest.json"))["accumulator_overflows"] == manifest["accumulator_overflows"]);
}

TEST_CASE("log: a full disk is an error") {
  CHECK_THROWS_AS(trainer::Log("/no/such/folder/log.jsonl"), Error);
  if (!std::filesystem::exists("/dev/full")) return;
  trainer::Log log("/dev/full");
  CHECK_THROWS_WITH_AS(log.end("finished", 1, ""),
                       "[log] /dev/full cannot be written: No space left on device; free some space", Error);
}
