// A run from beginning to end through the program: what it prints, what it leaves, and how it may be stopped.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <limits>
#include <sstream>
#include <thread>

#include "apps/json.h"
#include "apps/process.h"
#include "trainer/safetensors.h"

using namespace fqt::test;
using nlohmann::json;

namespace {

Outcome train_resnet20(const std::string& out, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"train", "resnet20", "--batch", "4", "--set", "eval.images=8", "--out", out};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return fqt_program(arguments);
}

std::vector<json> log_of(const std::string& run) {
  std::istringstream lines(read(run + "/log.jsonl"));
  std::vector<json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(parse_json(line));
  return records;
}

void wait_until_written(const std::string& path) {
  for (int i = 0; i < 1000 && read(path).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace

TEST_CASE("train: one object on standard output, and a run directory that evaluates to the same figures") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const Outcome outcome = train_resnet20(run, {"--steps", "3", "--seed", "5", "--json", "--set", "eval.every=2"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 1);
  const json result = parse_json(outcome.out);
  for (const char* key : {"model", "data", "plan", "recipe", "seed", "steps", "epochs", "train_loss", "test_accuracy",
                          "seconds", "items_per_second", "peak_rss_mb", "weights_hash"})
    CHECK(result.contains(key));
  CHECK(result["model"] == "resnet20");
  CHECK(result["data"] == "shapes");
  CHECK(result["plan"] == "U:6");
  CHECK(result["recipe"] == "paper");
  CHECK(result["seed"] == 5);
  CHECK(result["steps"] == 3);
  CHECK(result["weights_hash"].get<std::string>().size() == 16);
  CHECK(contains(outcome.err, "resnet20 (272,474 parameters) on shapes, plan U:6, recipe paper, batch 4, 3 steps"));

  const json manifest = parse_json(read(run + "/manifest.json"));
  CHECK(manifest["status"] == "finished");
  CHECK(manifest["weights_hash"] == result["weights_hash"]);
  CHECK(manifest["data"]["train_hash"].get<std::string>().size() == 16);
  for (const char* key : {"version", "commit", "compiler", "cpu", "isa", "threads"}) CHECK(manifest.contains(key));
  CHECK(contains(read(run + "/plan.toml"), "bits = 6"));

  const std::vector<json> log = log_of(run);
  REQUIRE(log.size() == 6);  // three steps, an evaluation after the second, one at the end, and how it ended
  CHECK(log[0]["event"] == "step");
  CHECK(log[2]["event"] == "evaluation");
  CHECK(log[2]["step"] == 2);
  CHECK(log[5]["event"] == "finished");
  const double mean = (log[0]["loss"].get<double>() + log[1]["loss"].get<double>() + log[3]["loss"].get<double>()) / 3;
  CHECK(result["train_loss"].get<double>() == doctest::Approx(mean));

  const Outcome evaluation = fqt_program({"eval", run, "--json"});
  REQUIRE(evaluation.exit_code == 0);
  const json again = parse_json(evaluation.out);
  CHECK(again["weights_hash"] == result["weights_hash"]);
  CHECK(again["test_accuracy"] == result["test_accuracy"]);
  CHECK(again["test_loss"] == result["test_loss"]);
  CHECK(again["steps"] == 3);
}

TEST_CASE("train: a run's config.toml repeats the run, and flags go over a file") {
  const TemporaryFolder folder;
  const Outcome first = train_resnet20(folder / "a", {"--steps", "1", "--seed", "9", "--plan", "fp32", "--json"});
  REQUIRE(first.exit_code == 0);
  const Outcome again = fqt_program({"train", "--config", folder / "a/config.toml", "--out", folder / "b", "--json"});
  REQUIRE(again.exit_code == 0);
  CHECK(parse_json(again.out)["weights_hash"] == parse_json(first.out)["weights_hash"]);
  CHECK(read(folder / "a/config.toml") == read(folder / "b/config.toml"));
  const Outcome other = fqt_program({"train", "--config", folder / "a/config.toml", "--seed", "10"}, {}, folder.path());
  REQUIRE(other.exit_code == 0);
  CHECK(contains(other.out, "run directory  runs/resnet20-fp32-shapes-s10\n"));
  CHECK_FALSE(contains(other.out, parse_json(first.out)["weights_hash"]));
}

TEST_CASE("train: the first signal ends a run cleanly, with weights that load") {
  for (const int number : {SIGINT, SIGTERM}) {
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    Process process({"train", "resnet20", "--batch", "4", "--steps", "100000", "--set", "eval.images=8", "--out", run});
    wait_until_written(run + "/log.jsonl");
    process.signal(number);
    const Outcome outcome = process.wait();
    CHECK(outcome.exit_code == 130);
    CHECK(contains(outcome.err, "interrupted after step "));
    CHECK(contains(outcome.err, run));
    const std::vector<json> log = log_of(run);
    CHECK(log.back()["event"] == "interrupted");
    CHECK(parse_json(read(run + "/manifest.json"))["status"] == "interrupted");
    const Outcome evaluation = fqt_program({"eval", run, "--json"});
    REQUIRE(evaluation.exit_code == 0);
    CHECK(parse_json(evaluation.out)["steps"] == log.back()["step"]);
  }
}

TEST_CASE("train: the second signal ends a run at once") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  Process process({"train", "resnet20", "--batch", "64", "--steps", "100000", "--out", run});
  wait_until_written(run + "/log.jsonl");
  process.signal(SIGINT);
  process.signal(SIGTERM);  // two of a kind might arrive as one
  const Outcome outcome = process.wait();
  CHECK(outcome.exit_code == 130);
  CHECK_FALSE(contains(outcome.err, "interrupted"));
  CHECK(parse_json(read(run + "/manifest.json"))["status"] == "running");
  CHECK_NOTHROW(log_of(run));  // every line is whole
}

TEST_CASE("train: a run that diverges names the step, and keeps its log") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const Outcome outcome = train_resnet20(
      run, {"--steps", "20", "--plan", "fp32", "--set", "train.learning_rate=1e6", "--set", "train.weight_decay=1000"});
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 65);
  CHECK(contains(outcome.err, "diverged in step "));
  CHECK(contains(outcome.err, "its log is in " + run));
  const size_t advice =
      outcome.err.find("try a lower learning rate, as in --set train.learning_rate=100000, or more bits");
  CHECK(advice != std::string::npos);
  CHECK(outcome.err.find("learning rate") == outcome.err.rfind("learning rate"));  // said once
  CHECK(log_of(run).back()["event"] == "diverged");
  CHECK(parse_json(read(run + "/manifest.json"))["status"] == "diverged");
  CHECK_FALSE(std::filesystem::exists(run + "/checkpoints/weights.safetensors"));
}

TEST_CASE("eval: NaN in the weights, weights of another model, and no weights") {
  const TemporaryFolder folder;
  const std::string run = folder / "run", weights = run + "/checkpoints/weights.safetensors";
  REQUIRE(train_resnet20(run, {"--steps", "1", "--quiet"}).exit_code == 0);
  const fqt::trainer::TensorFile good = fqt::trainer::read_safetensors(weights);

  fqt::trainer::TensorFile bad = good;
  bad.tensors[4].tensor = bad.tensors[4].tensor.clone();
  bad.tensors[4].tensor.data()[1] = std::numeric_limits<float>::quiet_NaN();
  fqt::trainer::write_safetensors(weights, bad);
  const Outcome nan = fqt_program({"eval", run});
  CHECK(nan.exit_code == 65);
  CHECK(contains(nan.err, "tensor '" + bad.tensors[4].name + "' holds nan at index 1"));

  bad = good;
  bad.tensors.pop_back();
  fqt::trainer::write_safetensors(weights, bad);
  const Outcome lacking = fqt_program({"eval", run});
  CHECK(lacking.exit_code == 65);
  CHECK(contains(lacking.err, "'" + good.tensors.back().name + "' is missing"));

  const std::string bytes = read(weights);
  write(weights, bytes.substr(0, bytes.size() / 2));
  CHECK(fqt_program({"eval", run}).exit_code == 65);

  std::filesystem::remove_all(run + "/checkpoints");
  CHECK(fqt_program({"eval", run}).exit_code == 66);
  CHECK(fqt_program({"eval", folder / "none"}).exit_code == 66);
  CHECK(fqt_program({"eval", folder.path()}).exit_code == 66);
}
