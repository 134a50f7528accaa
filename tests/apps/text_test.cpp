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

TEST_CASE("text: near misses are what a word is a part of, or what takes the fewest edits, if that is few") {
  const std::vector<std::string> known{"train.batch", "train.steps", "seed", "plan", "probe.every", "eval.every"};
  using Words = std::vector<std::string>;
  CHECK(near_misses("batch", known) == Words{"train.batch"});  // a part of a dotted name
  CHECK(near_misses("every", known) == Words{"probe.every", "eval.every"});
  CHECK(near_misses("train", known) == Words{"train.batch", "train.steps"});
  CHECK(near_misses("train.bacth", known) == Words{"train.batch"});  // two letters swapped: one edit
  CHECK(near_misses("sede", known) == Words{"seed"});
  CHECK(near_misses("send", known) == Words{"seed"});
  CHECK(near_misses("rate", known).empty());  // four edits
  CHECK(near_misses("plam", known) == Words{"plan"});
  CHECK(near_misses("weights", known).empty());
  CHECK(near_misses("", known).empty());
  CHECK(near_misses(std::string(100'000, 'x'), known).empty());
  CHECK(did_you_mean("plam", known) == "; did you mean 'plan'?");
  CHECK(did_you_mean("every", known) == "; did you mean 'probe.every' or 'eval.every'?");
  CHECK(did_you_mean("weights", known) == "");
}

TEST_CASE("text: near misses of names with wildcards, and among them") {
  const std::vector<std::string> sites{"stem.conv", "stage1.block0.conv1", "stage1.block0.conv2", "stage2.block0.conv1",
                                       "stage3.block0.conv1"};
  using Words = std::vector<std::string>;
  CHECK(near_misses("stage2.blok?.*", sites) == Words{"stage2.block0.conv1"});
  CHECK(near_misses("stage?.block0.conv3", sites).size() == 3);
  CHECK(near_misses("stages2.*conv1", sites) == Words{"stage2.block0.conv1"});
  CHECK(near_misses("decoder.*", sites).empty());
  CHECK(near_misses("*z", sites).empty());
  const std::vector<std::string> patterns{"stem.*", "stage2.*", "*conv7"};
  CHECK(near_misses("stage1.block0.fc", patterns) == Words{"stage2.*"});
  CHECK(near_misses("stage1.block0.conv2", patterns) == Words{"stage2.*", "*conv7"});
}

TEST_CASE("text: control characters are written out") {
  CHECK(printable("stage1.*") == "stage1.*");
  CHECK(printable("a\nb\tc\x1b[31m\x7f") == "a\\nb\\tc\\x1b[31m\\x7f");
  CHECK(printable("äöü") == "äöü");
}
