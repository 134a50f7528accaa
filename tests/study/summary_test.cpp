#include "study/summary.h"

#include <doctest/doctest.h>

#include "apps/process.h"
#include "study/results.h"

using namespace fqt;
using namespace fqt::study;
using fqt::test::contains;

namespace {

study::Outcome finished(const std::string& plan, int64_t seed, double value,
                        const std::string& metric = "test_accuracy") {
  study::Outcome outcome;
  outcome.status = Status::finished;
  outcome.model = "resnet20";
  outcome.data = "cifar10";
  outcome.plan = plan;
  outcome.recipe = "paper";
  outcome.seed = outcome.config.seed = seed;
  outcome.steps = 100;
  outcome.final = Figure{metric, value, 100};
  return outcome;
}

}  // namespace

TEST_CASE("summary: runs that differ in their seed alone are a group") {
  std::vector<study::Outcome> outcomes{finished("U:6", 1, 70), finished("A:C-:4-8", 1, 71), finished("U:6", 2, 74)};
  outcomes.push_back(finished("U:6", 3, 0));
  outcomes.back().final.reset();
  outcomes.push_back(finished("U:6", 1, 50));
  outcomes.back().steps = 10;
  const std::vector<Group> groups = groups_of(outcomes);
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].plan == "U:6");
  CHECK(groups[0].mean() == 72);
  CHECK(groups[0].deviation() == doctest::Approx(2.828427));
  CHECK(groups[0].unfinished == 1);
  CHECK(groups[0].settings == "train.steps=100");
  CHECK(groups[2].settings == "train.steps=10");
  CHECK(groups[1].settings == "train.steps=100");
  CHECK(groups[1].values.at(1) == 71);
  CHECK(contains(summary_text(groups, {}), "2 of 3"));
}

TEST_CASE("summary: how often a run is measured sets it apart from none, and a seed counts once") {
  std::vector<study::Outcome> outcomes{finished("U:6", 1, 70), finished("U:6", 2, 74), finished("U:6", 2, 74)};
  outcomes[1].config.eval.every = 10;
  outcomes[2].config.probe.every = 5;
  outcomes.push_back(finished("U:6", 1, 0));
  outcomes.back().config.eval.every = 20;
  outcomes.back().final.reset();
  const std::vector<Group> groups = groups_of(outcomes);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].mean() == 72);
  CHECK(groups[0].unfinished == 0);
  CHECK(groups[0].settings.empty());
  outcomes[1].config.eval.images = 100;  // this changes the figure
  CHECK(groups_of(outcomes).size() == 2);
}

TEST_CASE("summary: C+ is held against C- of the same metric and range, over the seeds that both have") {
  std::vector<study::Outcome> outcomes;
  for (const int64_t seed : {1, 2, 3}) {
    const auto offset = static_cast<double>(seed);
    outcomes.push_back(finished("A:C+:4-8", seed, 70 + offset));
    outcomes.push_back(finished("A:C-:4-8", seed, 72 + offset + 0.1 * offset));
    outcomes.push_back(finished("A:C-:6-8", seed, 90));
  }
  outcomes.push_back(finished("A:C+:4-8", 4, 99));
  const std::vector<PlanComparison> rows = comparisons_of(groups_of(outcomes));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].plus == "A:C+:4-8");
  CHECK(rows[0].minus == "A:C-:4-8");
  CHECK(rows[0].comparison.pairs == 3);
  CHECK(rows[0].comparison.difference == doctest::Approx(-2.2));
  CHECK(rows[0].comparison.verdict == Verdict::worse);

  // Of runs of another length there is nothing to hold this against; those that are alike still meet.
  outcomes.push_back(finished("A:C+:4-8", 1, 50));
  outcomes.back().steps = 10;
  CHECK(comparisons_of(groups_of(outcomes)).size() == 1);
  outcomes = {finished("A:C+:4-8", 1, 50), finished("A:C-:4-8", 1, 60)};
  outcomes[0].steps = 10;
  CHECK(comparisons_of(groups_of(outcomes)).empty());

  std::vector<study::Outcome> text;
  for (const int64_t seed : {1, 2}) {
    text.push_back(finished("D:C+:6-8,x=+1", seed, 97, "test_perplexity"));
    text.push_back(finished("D:C-:6-8,x=+1", seed, 98 + 0.01 * static_cast<double>(seed), "test_perplexity"));
  }
  const std::vector<PlanComparison> lower = comparisons_of(groups_of(text));
  REQUIRE(lower.size() == 1);
  CHECK(lower[0].comparison.verdict == Verdict::better);
}

TEST_CASE("results: CSV has the keys of its rows as header, and quotes what has to be") {
  const std::vector<fqt::trainer::Json> rows{{{"plan", "R:4-8,grad=+2"}, {"final", nullptr}, {"steps", 3}},
                                             {{"plan", "U:6"}, {"final", 71.5}, {"steps", 4}}};
  CHECK(to_csv(rows) == "plan,final,steps\n\"R:4-8,grad=+2\",,3\nU:6,71.5,4\n");
  CHECK(to_csv({}).empty());
  CHECK(to_csv({{{"plan", "U:6"}, {"final", 1.5}}, {{"final", 2.5}, {"other", 3}}}) == "plan,final\nU:6,1.5\n,2.5\n");
}
