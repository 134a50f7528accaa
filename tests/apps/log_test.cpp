#include "trainer/log.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;

TEST_CASE("log: every line is an object, whole at once, even where a loss is not a number") {
  const TemporaryFolder folder;
  trainer::Log log(folder / "log.jsonl");
  log.step({.step = 1, .loss = 2.5, .accuracy = 12.5, .learning_rate = 0.1, .seconds = 0.25});
  log.step({.step = 2, .loss = std::numeric_limits<double>::quiet_NaN()});
  log.evaluation(2, 1.5, 50, 16);
  log.end("diverged", 2, "the loss is \"nan\"\n");
  std::istringstream lines(read(folder / "log.jsonl"));  // the log is still open: nothing waits in a buffer
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(nlohmann::json::parse(line));
  REQUIRE(records.size() == 4);
  CHECK(records[0]["event"] == "step");
  CHECK(records[0]["loss"] == 2.5);
  CHECK(records[1]["loss"].is_null());
  CHECK(records[2]["test_accuracy"] == 50);
  CHECK(records[3]["event"] == "diverged");
  CHECK(records[3]["message"] == "the loss is \"nan\"\n");
}

TEST_CASE("log: a full disk is an error") {
  CHECK_THROWS_AS(trainer::Log("/no/such/folder/log.jsonl"), Error);
  if (!std::filesystem::exists("/dev/full")) return;
  trainer::Log log("/dev/full");
  CHECK_THROWS_WITH_AS(log.end("finished", 1, ""),
                       "[log] /dev/full cannot be written: No space left on device; free some space", Error);
}
