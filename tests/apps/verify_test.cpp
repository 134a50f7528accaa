// A run that is run again comes to the same bits, or what is not the same is named.
#include "trainer/verify.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "apps/json.h"
#include "apps/process.h"

using namespace fqt::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Arguments = std::vector<std::string>;

Outcome run(Arguments arguments, const Arguments& more = {}, const Process::Environment& environment = {}) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return fqt_program(arguments, environment);
}

/// Six steps, an evaluation after the second and the fourth, a checkpoint after the fourth.
std::string trained(const TemporaryFolder& folder, const Arguments& model) {
  Arguments arguments{"train"};
  arguments.insert(arguments.end(), model.begin(), model.end());
  const Outcome outcome =
      run(arguments, {"--steps", "6", "--batch", "2", "--out", folder / "run", "--set", "eval.every=2", "--set",
                      "eval.images=2", "--set", "eval.tokens=40", "--set", "checkpoint.every=4"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return folder / "run";
}

void replace(const std::string& path, const std::string& before, const std::string& after) {
  std::string text = read(path);
  REQUIRE(contains(text, before));
  write(path, text.replace(text.find(before), before.size(), after));
}

void check_refused(const Arguments& arguments, int exit_code, const Arguments& parts) {
  const Outcome outcome = fqt_program(arguments);
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == exit_code);
  for (const std::string& part : parts) CHECK(contains(outcome.err, part));
}

}  // namespace

TEST_CASE("verify: the same bits on other threads and instruction sets, with evaluations, probes and schedules") {
  const Arguments models[] = {
      {"resnet8"},
      {"resnet8", "--recipe", "cpt", "--plan", "A:C-:4-8", "--set", "bits.schedule=cyclic", "--set", "probe.every=2"},
      {"lstm_lm", "--set", "hidden=8", "--set", "sequence=5"}};
  for (const Arguments& model : models) {
    CAPTURE(model);
    const TemporaryFolder folder;
    const std::string directory = trained(folder, model);
    const std::string hash = parse_json(read(directory + "/manifest.json"))["weights_hash"];
    for (const char* isa : {"", "reference"}) {
      const Outcome outcome = run({"verify", directory, "--threads", "2", "--json"}, {},
                                  isa[0] ? Process::Environment{{"FQT_ISA", isa}} : Process::Environment{});
      CAPTURE(outcome.err);
      REQUIRE(outcome.exit_code == 0);
      const json result = parse_json(outcome.out);
      CHECK(result["same"] == true);
      CHECK(result["steps"] == 6);
      CHECK(result["losses_compared"] == 6);
      CHECK(result["weights_compared"].back() == 6);
      CHECK(result["weights_compared"].size() >= 2);
      CHECK(result["weights_hash"] == hash);
    }
    const Outcome first = run({"verify", directory, "--steps", "4", "--quiet"});
    CHECK(contains(first.out, "4 of 6 steps"));
    CHECK(contains(first.out, "the same bits"));
  }
}

TEST_CASE("verify: a run that diverged does so again in the same step") {
  const TemporaryFolder folder;
  const Outcome diverged =
      run({"train", "resnet8", "--steps", "50", "--batch", "2", "--out", folder / "run", "--set",
           "train.learning_rate=1e6", "--set", "train.weight_decay=1000", "--set", "eval.images=2"});
  REQUIRE(diverged.exit_code == 65);
  const Outcome outcome = run({"verify", folder / "run", "--json"});
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(parse_json(outcome.out)["diverged"] == true);
}

TEST_CASE("verify: the first difference is named, and what is not as it was") {
  const TemporaryFolder folder;
  const std::string directory = trained(folder, {"resnet8"});
  const Arguments verify{"verify", directory, "--quiet"};
  replace(directory + "/manifest.json", "\"version\": \"", "\"version\": \"0.0.");
  replace(directory + "/log.jsonl", "\"step\":5,\"loss\":", "\"step\":5,\"loss\":1");
  check_refused(verify, 65, {"is not reproduced: loss of step 5 is ", "version (", "; the run has 0.0."});
  const Outcome json_too = run(verify, {"--json"});
  CHECK(parse_json(json_too.out)["same"] == false);
  CHECK(parse_json(json_too.out)["steps"] == 5);

  replace(directory + "/config.toml", "seed = 1", "seed = 2");
  check_refused(verify, 65, {"nothing was run", "seed (2; the run has 1)"});
  replace(directory + "/config.toml", "seed = 2", "seed = 1");
  check_refused({"verify", directory, "--data", "grammar"}, 2, {"resnet8 reads images"});
  check_refused({"verify", directory, "--steps", "7"}, 2, {"has done 6"});
  check_refused({"verify", directory, "--steps", "0"}, 2, {"--steps"});

  write(directory + "/log.jsonl", "{\"event\":\"step\"}\n");
  check_refused(verify, 65, {"log.jsonl, line 1: not what fqt writes"});
  write(directory + "/manifest.json", "{");
  check_refused(verify, 65, {"manifest.json is not JSON"});
  check_refused({"verify", folder / "none"}, 66, {"there is no run directory"});
}

TEST_CASE("verify: weights alone can be another, and weights to start from are part of the run") {
  const TemporaryFolder folder;
  const std::string directory = trained(folder, {"resnet8"});
  replace(directory + "/manifest.json", "\"weights_hash\": \"", "\"weights_hash\": \"0");
  check_refused({"verify", directory, "--quiet"}, 65, {"the hash of the weights after step 6 is "});

  const std::string start = folder / "start.safetensors", tuned = folder / "tuned";
  fs::copy_file(directory + "/checkpoints/weights.safetensors", start);
  REQUIRE(run({"train", "resnet8", "--steps", "2", "--batch", "2", "--weights", start, "--set", "eval.images=2",
               "--out", tuned})
              .exit_code == 0);
  CHECK(run({"verify", tuned}).exit_code == 0);
  fs::copy_file(directory + "/checkpoints/best.safetensors", start, fs::copy_options::overwrite_existing);
  check_refused({"verify", tuned}, 65, {"hash of the weights it starts from"});
}

TEST_CASE("eval: of a run that was killed, the weights of its last checkpoint") {
  const TemporaryFolder folder;
  const std::string directory = trained(folder, {"resnet8"}), checkpoints = directory + "/checkpoints/";
  const std::string hash = parse_json(run({"eval", directory, "--json"}).out)["weights_hash"];
  // As a run that is killed after step 6 leaves it: the last evaluation was earlier, or there was none.
  fs::copy_file(checkpoints + "best.safetensors", checkpoints + "weights.safetensors",
                fs::copy_options::overwrite_existing);
  const json late = parse_json(run({"eval", directory, "--json"}).out);
  CHECK(late["steps"] == 6);
  CHECK(late["weights_hash"] == hash);
  fs::remove(checkpoints + "weights.safetensors");
  CHECK(parse_json(run({"eval", directory, "--json"}).out) == late);
  CHECK(contains(run({"export", directory, "-o", folder / "out.safetensors"}).out, "after 6 steps"));
}
