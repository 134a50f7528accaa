#include "trainer/text.h"

#include <doctest/doctest.h>

using namespace fqt::trainer;

TEST_CASE("text: thousands are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-272474) == "-272,474");
}

TEST_CASE("text: times read like a clock") {
  CHECK(clock_time(0.4) == "0:00");
  CHECK(clock_time(59.6) == "1:00");
  CHECK(clock_time(3675) == "1:01:15");
  CHECK(clock_time(-1) == "0:00");
}

TEST_CASE("text: the nearest word is the one with the fewest edits, if that is few") {
  const std::vector<std::string> known{"train.batch", "train.steps", "seed", "plan"};
  CHECK(nearest("batch", known) == "train.batch");        // the last part of a dotted name
  CHECK(nearest("train.bacth", known) == "train.batch");  // two letters swapped: one edit
  CHECK(nearest("sede", known) == "seed");
  CHECK(nearest("send", known) == "seed");
  CHECK(nearest("rate", known) == "");  // four edits
  CHECK(nearest("plam", known) == "plan");
  CHECK(nearest("weights", known) == "");
  CHECK(did_you_mean("plam", known) == "; did you mean 'plan'?");
  CHECK(did_you_mean("weights", known) == "");
}
