#include "study/outcome.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/check.h"
#include "trainer/checkpoint.h"
#include "trainer/run_directory.h"
#include "trainer/run_lock.h"

using namespace fqt;
using namespace fqt::study;
using namespace fqt::test;
using nlohmann::ordered_json;

namespace {

void train(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"train", "resnet8", "--batch", "2", "--set", "eval.images=2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const test::Outcome outcome = fqt_program(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
}

/// What reading says is wrong; empty where nothing is.
std::string error_of(const std::vector<std::string>& folders, ErrorKind kind) {
  try {
    read_outcomes(folders);
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "";
}

/// The manifest of a run, changed.
template <typename Change>
void change_manifest(const std::string& run, const Change& change) {
  ordered_json manifest = ordered_json::parse(read(run + "/manifest.json"));
  change(manifest);
  write(run + "/manifest.json", manifest.dump());
}

/// The run's best evaluation on the way is that of the manifest and of best.safetensors.
void check_best(const study::Outcome& outcome, int64_t step) {
  REQUIRE(outcome.best);
  CHECK(outcome.best->step == step);
  const auto manifest = ordered_json::parse(read(outcome.directory + "/manifest.json"));
  CHECK(manifest["best"]["step"] == step);
  CHECK(manifest["best"][outcome.best->name] == outcome.best->value);
  CHECK(trainer::read_checkpoint(outcome.directory + "/checkpoints/best.safetensors").state.step == step);
}

}  // namespace

TEST_CASE("outcome: a finished run says what was run, and how it went") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  train({"--steps", "4", "--seed", "3", "--plan", "A:C-:4-8", "--out", run, "--set", "eval.every=2"});
  const study::Outcome outcome = read_outcome(run);
  const auto manifest = parse_json(read(run + "/manifest.json"));
  CHECK(outcome.directory == run);
  CHECK(outcome.status == Status::finished);
  CHECK(outcome.id.size() == 16);
  CHECK(outcome.model == "resnet8");
  CHECK(outcome.data == "shapes");
  CHECK(outcome.plan == "A:C-:4-8");
  CHECK(outcome.recipe == "paper");
  CHECK(outcome.seed == 3);
  CHECK(outcome.config.train.batch == 2);
  CHECK(outcome.steps == 4);
  CHECK(outcome.steps_done == 4);
  REQUIRE(outcome.losses.size() == 4);
  CHECK(outcome.losses[3].step == 4);
  CHECK(outcome.losses[0].loss > 0);
  CHECK(outcome.losses[0].learning_rate == doctest::Approx(0.1));
  REQUIRE(outcome.evaluations.size() == 2);
  CHECK(outcome.evaluations[0].step == 2);
  CHECK(outcome.evaluations[1].accuracy == manifest["test_accuracy"].get<double>());
  REQUIRE(outcome.final);
  CHECK(outcome.final->name == "test_accuracy");
  CHECK(outcome.final->value == manifest["test_accuracy"].get<double>());
  check_best(outcome, 2);
  REQUIRE(outcome.sites.size() == 10);
  CHECK(outcome.sites[0].site == "stem.conv");
  CHECK(outcome.sites[0].accumulation == 27);
  CHECK(outcome.sites[0].frequency == 1024);
  CHECK(outcome.sites[0].bits == 7);
  CHECK_FALSE(outcome.sites.back().bits);
  const test::Outcome plan =
      fqt_program({"plan", "resnet8", "--plan", "A:C-:4-8", "--batch", "2", "--seed", "3", "--json"});
  CHECK(outcome.size.weights_mb == parse_json(plan.out)["size"]["weights_mb"].get<double>());
  CHECK(outcome.size.bitops == parse_json(plan.out)["size"]["bitops"].get<double>());
  CHECK(outcome.weights_hash == manifest["weights_hash"].get<std::string>());
  CHECK(outcome.items_per_second > 0);
  CHECK(outcome.memory_peak > 0);
  CHECK(read_outcome(run, Read::summary).losses.empty());
}

TEST_CASE("outcome: text is judged by perplexity, on the way by that of its validation set") {
  const TemporaryFolder folder;
  const test::Outcome trained = fqt_program({"train",     "lstm_lm",
                                             "--batch",   "2",
                                             "--steps",   "3",
                                             "--set",     "hidden=8",
                                             "--set",     "depth=1",
                                             "--set",     "sequence=5",
                                             "--set",     "eval.tokens=40",
                                             "--set",     "eval.every=1",
                                             "--out",     folder / "run",
                                             "--threads", "1"});
  REQUIRE(trained.exit_code == 0);
  const study::Outcome outcome = read_outcome(folder / "run");
  REQUIRE(outcome.final);
  CHECK(outcome.final->name == "test_perplexity");
  CHECK_FALSE(outcome.final->higher_is_better());
  REQUIRE(outcome.best);
  CHECK(outcome.best->name == "valid_perplexity");
  const auto& least =
      outcome.evaluations[*outcome.evaluations[0].perplexity <= *outcome.evaluations[1].perplexity ? 0 : 1];
  CHECK(outcome.best->value == *least.perplexity);
  check_best(outcome, least.step);
  REQUIRE(outcome.evaluations.size() == 3);
  CHECK(outcome.evaluations[0].valid);
  CHECK_FALSE(outcome.evaluations[2].valid);
  CHECK(outcome.evaluations[2].perplexity == doctest::Approx(std::exp(outcome.evaluations[2].loss)));
}

TEST_CASE("outcome: the id names what is computed, not where or by how many threads") {
  const TemporaryFolder folder;
  train({"--steps", "1", "--threads", "1", "--out", folder / "a"});
  train({"--out", folder / "b", "--steps", "1", "--threads", "2", "--set", "checkpoint.every=1"});
  train({"--steps", "1", "--seed", "2", "--out", folder / "c"});
  train({"--steps", "1", "--plan", "U:5", "--out", folder / "d"});
  train({"--steps", "1", "--plan", folder / "a/plan.toml", "--out", folder / "e"});
  const std::vector<study::Outcome> outcomes = read_outcomes({folder.path()}, Read::summary);
  REQUIRE(outcomes.size() == 5);
  CHECK(outcomes[0].id == outcomes[1].id);
  CHECK(outcomes[0].weights_hash == outcomes[1].weights_hash);
  CHECK(outcomes[0].id != outcomes[2].id);
  CHECK(outcomes[0].id != outcomes[3].id);
  CHECK(outcomes[0].id != outcomes[4].id);
  CHECK(outcomes[0].weights_hash == outcomes[4].weights_hash);

  // A constant: results folders of earlier builds are found again.
  CHECK(outcomes[0].id == "5c26cc4b68aeb5e0");
}

TEST_CASE("outcome: runs that did not finish") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  train({"--steps", "2", "--out", run});
  const trainer::RunDirectory directory = trainer::RunDirectory::open(run);
  change_manifest(run, [](ordered_json& manifest) {
    manifest["status"] = "running";
    manifest.erase("steps_done");
  });
  CHECK(read_outcome(run).status == Status::interrupted);
  CHECK(read_outcome(run).steps_done == 2);
  CHECK_FALSE(read_outcome(run).best);  // nothing was evaluated on the way
  {
    const trainer::RunLock lock(directory);
    CHECK(read_outcome(run).status == Status::running);
  }
  change_manifest(run, [](ordered_json& manifest) {
    manifest["status"] = "diverged";
    manifest["message"] = "the loss is nan";
  });
  write(run + "/log.jsonl", read(run + "/log.jsonl") + R"({"event":"step","step":3,"loss":null,"learning_rate":0.1})" +
                                "\n{\"event\":\"st");
  const study::Outcome diverged = read_outcome(run);
  CHECK(diverged.status == Status::diverged);
  CHECK(diverged.message == "the loss is nan");
  CHECK_FALSE(diverged.final);
  CHECK(std::isnan(diverged.losses.back().loss));
  std::filesystem::remove(directory.manifest());
  CHECK(read_outcome(run).status == Status::waiting);
  CHECK(read_outcome(run).model == "resnet8");
}

TEST_CASE("outcome: what is no result is an error that names it") {
  const TemporaryFolder folder;
  CHECK(contains(error_of({folder / "none"}, ErrorKind::missing), "there is no folder " + folder / "none"));
  std::filesystem::create_directories(folder / "empty");
  CHECK(contains(error_of({folder / "empty"}, ErrorKind::missing), "is empty"));
  std::filesystem::create_directories(folder / "other/photos");
  CHECK(contains(error_of({folder / "other"}, ErrorKind::missing), "there is no run in"));

  std::filesystem::create_directories(folder / "sweep/runs");
  const std::string run = folder / "sweep/runs/a";
  train({"--steps", "1", "--out", run});
  CHECK(read_outcomes({folder / "sweep", run}).size() == 1);

  write(run + "/log.jsonl", read(run + "/log.jsonl") + "{\"event\":\"step\",\"step\":2}\n");
  CHECK(contains(error_of({run}, ErrorKind::data), "log.jsonl:4 has no key 'loss'"));
  write(run + "/log.jsonl", "oops\n");
  CHECK(contains(error_of({run}, ErrorKind::data), "log.jsonl:1 is no JSON object: it is damaged; leave the run out"));
  write(run + "/log.jsonl", "");

  change_manifest(run, [](ordered_json& manifest) {
    manifest["version"] = "0.0.9";
    manifest.erase("size");
  });
  const std::string older = error_of({folder / "sweep"}, ErrorKind::data);
  CHECK(contains(older, run + "/manifest.json has no key 'size'"));
  CHECK(contains(older, "fqt 0.0.9"));
  change_manifest(run, [](ordered_json& manifest) { manifest["size"] = 3; });
  CHECK(contains(error_of({run}, ErrorKind::data), "size has no key 'weights_mb'"));
  change_manifest(run, [](ordered_json& manifest) { manifest["seed"] = "one"; });
  CHECK(contains(error_of({run}, ErrorKind::data), "the key 'seed' holds \"one\""));
  change_manifest(run, [](ordered_json& manifest) { manifest["status"] = "dreaming"; });
  CHECK(contains(error_of({run}, ErrorKind::data), "there is no status 'dreaming'"));
}
