// What a sweep's spec says, and which runs it comes to.
#include "study/sweep_spec.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "apps/process.h"
#include "engine/check.h"
#include "study/children.h"
#include "study/sweep_runs.h"

using namespace fqt;
using namespace fqt::study;
using namespace fqt::test;

namespace {

std::vector<SweepRun> runs_of(const std::string& toml, const SweepChoices& choices = {}) {
  return sweep_runs(parse_sweep(toml, "my", "my.toml"), choices, DataPlaces({}));
}

/// What is wrong with a spec; empty where nothing is.
std::string error_of(const std::string& toml, const SweepChoices& choices = {}) {
  try {
    runs_of(toml, choices);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

std::vector<std::string> plans_and_seeds(const std::vector<SweepRun>& runs) {
  std::vector<std::string> texts;
  for (const SweepRun& run : runs) texts.push_back(fmt::format("{} {}", run.config.plan, run.config.seed));
  return texts;
}

constexpr const char* kOne =
    "[[grid]]\nmodels = 'resnet8'\nplans = 'U:6'\nsteps = 1\nset.train.batch = 2\nset.eval.images = 2\n";

}  // namespace

TEST_CASE("sweep spec: a grid is the product of its lists, seed by seed") {
  const std::vector<SweepRun> runs = runs_of(R"(
[[grid]]
plans = ["U:6", "fp32"]
seeds = [1, 2]
models = "resnet8"
steps = 5
[[grid]]
models = ["resnet8"]
plans = ["R:4-8", "U:6"]  # U:6 again: it runs once
seeds = [1, 2]
steps = 5
)");
  CHECK(plans_and_seeds(runs) == std::vector<std::string>{"U:6 1", "fp32 1", "R:4-8 1", "U:6 2", "fp32 2", "R:4-8 2"});
  CHECK(runs[0].config.train.steps == 5);
  CHECK(runs[0].name == "resnet8-U6-shapes-s1-" + runs[0].id.substr(0, 8));
  CHECK(runs[0].widest == 6);
  CHECK(runs[1].widest == 32);
}

TEST_CASE("sweep spec: keys for all grids, over which those of a grid go; lists of values; epochs") {
  const std::vector<SweepRun> runs = runs_of(R"(
[set]
train.batch = 500
layers.dropout = 0.25
[[grid]]
models = "resnet8"
epochs = 2
set.train.batch = 1000
set.train.milestones = [[0.5], [0.2, 0.4]]
[[grid]]
models = "alexnet"
steps = 3
set.train.milestones = [0.3, 0.6]
)");
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].config.train.batch == 1000);
  CHECK(runs[0].config.train.steps == 40);  // twice 20,000 images
  CHECK(runs[0].config.train.milestones == std::vector<double>{0.5});
  CHECK(runs[1].config.train.milestones == std::vector<double>{0.2, 0.4});
  CHECK(runs[2].config.train.batch == 500);
  CHECK(runs[2].config.layers.dropout == 0.25);
  CHECK(runs[2].config.train.milestones == std::vector<double>{0.3, 0.6});
}

TEST_CASE("sweep spec: scales choose grids, and --set goes over both") {
  const std::string toml = R"(
[[grid]]
models = "resnet8"
steps = 3
scale = "laptop"
[[grid]]
models = "resnet8"
epochs = 1
scale = "paper"
)";
  CHECK(runs_of(toml).front().config.train.steps == 3);
  CHECK(runs_of(toml, {.scale = "paper"}).front().config.train.steps == 157);
  const std::vector<SweepRun> set =
      runs_of(toml, {.scale = "paper", .set = {{"train.steps", "7", "--set steps"}, {"seed", "9", "--set seed"}}});
  REQUIRE(set.size() == 1);
  CHECK(set[0].config.train.steps == 7);
  CHECK(set[0].config.seed == 9);
  CHECK(contains(error_of("[[grid]]\nmodels = 'resnet8'\nscale = 'paper'\n"), "no grid of scale laptop"));
}

TEST_CASE("sweep spec: an id is the run's own, whatever order its keys come in") {
  const std::vector<SweepRun> runs = runs_of(kOne);
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].id == "5c26cc4b68aeb5e0");  // as in outcome_test.cpp, where `fqt train` wrote it
  const std::vector<SweepRun> shuffled = runs_of(
      "[[grid]]\nset.eval.images = 2\nset.checkpoint.every = 3\nsteps = 1\nset.train.batch = 2\nplans = 'U:6'\n"
      "data = 'shapes'\nrecipes = 'paper'\nseeds = 1\nmodels = 'resnet8'\n");
  REQUIRE(shuffled.size() == 1);
  CHECK(shuffled[0].id == runs[0].id);
  CHECK(runs_of(kOne, {.set = {{"seed", "2", ""}}})[0].id != runs[0].id);
}

TEST_CASE("sweep spec: mistakes are named with their line") {
  const std::pair<const char*, const char*> rows[] = {
      {"", "my.toml: there is no [[grid]]"},
      {"[[grid]]\nmodles = 'resnet8'", "my.toml:2: there is no key 'modles' here; did you mean 'models'?"},
      {"seed = 1", "my.toml:1: there is no key 'seed' here"},
      {"[[grid]]\nplans = 'U:6'", "my.toml:1: the grid names no models"},
      {"[[grid]]\nmodels = []", "my.toml:2: models is an empty list"},
      {"[[grid]]\nmodels = 'resnet8'\nplans = []", "my.toml:3: plans is an empty list"},
      {"[[grid]]\nmodels = 'resnet8'\nset.train.bach = 3", "no key 'train.bach' in a configuration; did you mean"},
      {"[[grid]]\nmodels = 'resnet8'\nset.threads = 3",
       "my.toml:3: set.threads: the sweep itself says it; leave it out and give --threads N"},
      {"[[grid]]\nmodels = 'resnet8'\nset.plan = 'U:6'", "a grid has a word of its own for it: plans"},
      {"[[grid]]\nmodels = 'resnet8'\nsteps = 3\nepochs = 1", "my.toml:1: steps and epochs both"},
      {"[[grid]]\nmodels = 'resnet8'\nscale = 'galaxy'", "my.toml:3: scale is laptop or paper, not 'galaxy'"},
      {"[[grid]]\nmodels = 'resnet8'\nplans = ['U:6', 'A:C*:4-8']", "my.toml:3: plans"},
      {"[[grid]]\nmodels = 'resnet9'", "my.toml:2: models"},
      {"[[grid]]\nmodels = 'resnet8'\nsteps = 'many'", "my.toml:3: steps: 'many' is not allowed"},
      {"[[grid]]\nmodels = 'resnet8'\nplans = 'U:16,x=+1'", "the grid at my.toml:1"},
      {"[[grid]]\nmodels = 'lstm_lm'\ndata = 'shapes'", "the grid at my.toml:1: [config] lstm_lm reads text"},
      {"grid = 3", "my.toml:1: a grid is a table"},
      {"[[grid]\n", "this is not TOML"},
  };
  for (const auto& [toml, part] : rows) {
    const std::string spec = toml, error = error_of(spec);
    CAPTURE(spec);
    CAPTURE(error);
    CHECK(contains(error, part));
  }
}

TEST_CASE("sweep spec: data by name, the first of a row that is there") {
  const TemporaryFolder folder;
  write(folder / "words.txt", "a b c a b c a b\n");
  const DataPlaces places({"corpus=" + folder / "words.txt"});
  CHECK(places.find("corpus") == folder / "words.txt");
  CHECK(places.find("nowhere|shapes") == "shapes");
  CHECK(places.find(folder / "words.txt") == folder / "words.txt");
  CHECK_THROWS_AS(places.find("imagenet"), Error);
  CHECK_THROWS_AS(DataPlaces({"corpus"}), Error);
  CHECK_THROWS_AS(DataPlaces({"a=b", "a=c"}), Error);
}

TEST_CASE("sweep spec: every built-in sweep parses, and its plans and configurations resolve") {
  for (const BuiltInSweep& sweep : built_in_sweeps()) {
    CAPTURE(sweep.name);
    const SweepSpec spec = read_sweep(std::string(sweep.name));
    CHECK_FALSE(spec.description.empty());
    // With the built-in data alone, as on a machine where nothing was downloaded.
    CHECK_NOTHROW(sweep_runs(spec, {}, DataPlaces({"cifar10=shapes", "cifar100=shapes", "ptb=grammar"})));
  }
  CHECK_THROWS_AS(read_sweep("tabel1"), Error);
}

TEST_CASE("sweep: words are quoted for a shell") {
  CHECK(quoted({"/a/fqt", "train", "--plan", "A:C+:4-8"}) == "/a/fqt train --plan A:C+:4-8");
  CHECK(quoted({"a b", "it's", "", "$x"}) == "'a b' 'it'\\''s' '' '$x'");
}
