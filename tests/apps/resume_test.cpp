// A run that is resumed ends in the bits, the figures and the log of one that was never stopped.
#include "trainer/resume.h"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <sstream>
#include <thread>

#include "apps/failing_calls.h"
#include "apps/json.h"
#include "apps/process.h"
#include "engine/check.h"
#include "trainer/checkpoints.h"
#include "trainer/train.h"
#include "trainer/trainer.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Arguments = std::vector<std::string>;

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Eight steps, a checkpoint after the fifth, an evaluation after the third and the sixth.
const Arguments kShort{"--steps",   "8",
                       "--threads", "1",
                       "--set",     "checkpoint.every=5",
                       "--set",     "eval.every=3",
                       "--set",     "eval.images=2",
                       "--set",     "eval.tokens=40",
                       "--json"};

struct ResumeRow {
  const char* what;
  Arguments arguments;
};

const ResumeRow kResumeRows[] = {
    {"batch norm, momentum, running ranges", {"resnet8", "--batch", "2"}},
    {"a schedule of bits, another recipe, probes",
     {"resnet8", "--batch", "2", "--recipe", "cpt", "--set", "bits.schedule=cyclic", "--set", "bits.period=5", "--set",
      "probe.every=2"}},
    {"emulated accumulators and what overflowed in them",
     {"resnet8", "--batch", "1", "--plan", "U:3", "--set", "quant.accumulator_bits=10"}},
    {"hidden state, dropout, clipping",
     {"lstm_lm", "--batch", "2", "--set", "hidden=8", "--set", "depth=2", "--set", "sequence=5"}},
    {"Adam, warm-up, dropout, attention",
     {"transformer_lm", "--batch", "2", "--set", "hidden=8", "--set", "depth=1", "--set", "heads=2", "--set",
      "feed_forward=8", "--set", "sequence=6", "--set", "warmup=3"}},
    {"AdamW in float32", {"resnet8", "--batch", "2", "--plan", "fp32", "--set", "train.optimizer=adamw"}},
};

Outcome succeed(const Arguments& arguments) {
  const Outcome outcome = fqt_program(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return outcome;
}

json without_times(json record) {
  for (const char* key : {"seconds", "items_per_second", "peak_rss_mb", "run_directory"}) record.erase(key);
  return record;
}

std::vector<json> lines_of(const std::string& path) {
  std::istringstream lines(read(path));
  std::vector<json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(without_times(parse_json(line)));
  return records;
}

json manifest_of(const std::string& run) { return parse_json(read(run + "/manifest.json")); }

/// What has to be the same however a run came to its end.
struct Ending {
  json result;
  std::vector<json> log;
  std::string probes, config;
  json best, overflows;
  bool operator==(const Ending&) const = default;
};

Ending ending_of(const std::string& run, const Outcome& outcome) {
  const json manifest = manifest_of(run);
  CHECK(manifest["status"] == "finished");
  return {without_times(parse_json(outcome.out)),
          lines_of(run + "/log.jsonl"),
          read(run + "/probes.jsonl"),
          read(run + "/config.toml"),
          manifest.value("best", json()),
          manifest.value("accumulator_overflows", json())};
}

std::string checkpoint(const std::string& run, int step) {
  return run + "/checkpoints/step-0000000" + std::to_string(step) + ".safetensors";
}

/// A finished run of eight steps.
std::string finished(const TemporaryFolder& folder, const Arguments& more = {}) {
  succeed(Arguments{"train", "resnet8", "--batch", "2", "--out", folder / "run"} + kShort + more);
  return folder / "run";
}

void check_refused(const Arguments& arguments, int exit_code, const std::string& part) {
  const Outcome outcome = fqt_program(arguments);
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(contains(outcome.err, part));
}

/// Trains in this process.
uint64_t train_here(const trainer::Config& config, const trainer::RunDirectory& directory,
                    std::optional<trainer::Resumption> from = std::nullopt) {
  trainer::Experiment experiment = trainer::open_experiment(config);
  trainer::Progress progress(true);
  const trainer::Interrupt interrupt;
  return trainer::train(experiment, {}, directory, progress, interrupt, std::move(from)).weights_hash;
}

}  // namespace

TEST_CASE("resume: from the middle to the same bits, figures, log and probes") {
  for (const ResumeRow& row : kResumeRows) {
    CAPTURE(row.what);
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    const Outcome whole = succeed(Arguments{"train"} + row.arguments + kShort + Arguments{"--out", run});
    const Ending expected = ending_of(run, whole);
    CHECK(expected.best["step"].is_number());
    fs::remove(checkpoint(run, 8));
    const Outcome resumed = succeed({"train", "--resume", run, "--json", "--threads", "2"});
    CHECK(contains(resumed.err, "going on after step 5 of 8"));
    CHECK(ending_of(run, resumed) == expected);
    CHECK(manifest_of(run)["resumed_from"] == 5);
    CHECK(fs::exists(checkpoint(run, 8)));
  }
}

TEST_CASE("resume: an interrupted run goes on where it was") {
  const TemporaryFolder folder;
  const Arguments arguments{"lstm_lm",        "--batch",  "2",     "--steps", "600",   "--threads",  "1",
                            "--set",          "hidden=8", "--set", "depth=1", "--set", "sequence=5", "--set",
                            "eval.tokens=40", "--json"};
  const std::string left = folder / "left", run = folder / "run";
  const Ending expected = ending_of(left, succeed(Arguments{"train"} + arguments + Arguments{"--out", left}));
  Process process(Arguments{"train"} + arguments + Arguments{"--out", run});
  for (int i = 0; i < 1000 && read(run + "/log.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  process.signal(SIGTERM);
  const Outcome interrupted = process.wait();
  REQUIRE(interrupted.exit_code == 130);
  CHECK(contains(interrupted.err, "go on with `fqt train --resume " + run + "`"));
  CHECK(manifest_of(run)["status"] == "interrupted");
  CHECK(ending_of(run, succeed({"train", "--resume", run, "--json"})) == expected);
}

TEST_CASE("resume: a finished run says so and is evaluated again") {
  const TemporaryFolder folder;
  const std::string run = finished(folder);
  const std::vector<json> log = lines_of(run + "/log.jsonl");
  const Outcome outcome = succeed({"train", "--resume", run, "--json"});
  CHECK(contains(outcome.err, "all 8 steps are done already; evaluating again"));
  CHECK(lines_of(run + "/log.jsonl") == log);
}

TEST_CASE("resume: what would change the result is refused by name, what repeats the run or changes no bit is not") {
  const TemporaryFolder folder;
  const std::string run = finished(folder), before = read(run + "/config.toml");
  const Arguments resume{"train", "--resume", run};
  check_refused(resume + Arguments{"--seed", "2", "--batch", "4"}, 2,
                "seed (2; the run has 1), train.batch (4; the run has 2)");
  check_refused(Arguments{"train", "resnet14", "--resume", run}, 2, "model (\"resnet14\"; the run has \"resnet8\")");
  check_refused(resume + Arguments{"--plan", "U:5"}, 2, "the plan U:5 gives other bits");
  check_refused(resume + Arguments{"--out", folder / "other"}, 2, "a run goes on in its own folder");
  check_refused(resume + Arguments{"--steps", "6"}, 2, "the run has done 8 already");
  check_refused(resume + Arguments{"--steps", "20"}, 2, "in step 5, which is done; leave it at 8");
  check_refused(resume + Arguments{"--set", "eval.every=4"}, 2, "eval.every (4; the run has 3)");
  CHECK(read(run + "/config.toml") == before);
  succeed({"train", "resnet8", "--resume", run, "--seed", "1", "--batch", "2", "--plan", "U:6", "--set",
           "checkpoint.every=2"});
  CHECK(contains(read(run + "/config.toml"), "every = 2 "));
}

TEST_CASE("resume: a longer run is the run of that length, where no step that is done would have been another") {
  const TemporaryFolder folder;
  const Arguments constant{"--set", "train.schedule=constant"};
  const std::string run = finished(folder, constant);
  const Outcome longer = succeed({"train", "--resume", run, "--steps", "11", "--json"});
  const std::string eleven = folder / "eleven";
  Arguments again = kShort;
  again[1] = "11";
  const Outcome expected = succeed(Arguments{"train", "resnet8", "--batch", "2", "--out", eleven} + again + constant);
  CHECK(ending_of(run, longer) == ending_of(eleven, expected));
}

TEST_CASE("resume: damaged, missing, foreign") {
  const TemporaryFolder folder;
  const std::string run = finished(folder);
  const Ending expected = ending_of(run, succeed({"train", "--resume", run, "--json"}));
  std::string bytes = read(checkpoint(run, 8));
  bytes[bytes.size() / 2] ^= 4;
  write(checkpoint(run, 8), bytes);
  const Outcome fallen_back = succeed({"train", "--resume", run, "--json"});
  CHECK(contains(fallen_back.err, "does not match its hash; the file is damaged; trying the checkpoint before it"));
  CHECK(contains(fallen_back.err, "going on after step 5 of 8"));
  CHECK(ending_of(run, fallen_back) == expected);

  const std::string config = read(run + "/config.toml");
  std::string edited = config;
  edited.replace(edited.find("momentum = 0.9"), 14, "momentum = 0.5");
  write(run + "/config.toml", edited);
  check_refused({"train", "--resume", run}, 2, "train.momentum (0.5; the run has 0.9)");
  write(run + "/config.toml", config);

  trainer::Checkpoint foreign = trainer::read_checkpoint(checkpoint(run, 8));
  foreign.identity["version"] = "0.0.1";
  trainer::Config any;
  any.model = "resnet8";
  trainer::Experiment experiment = trainer::open_experiment(any);
  const auto optimizer = trainer::make_optimizer(any.train, *experiment.model);
  trainer::write_checkpoint(checkpoint(run, 8), *experiment.model, *optimizer, foreign.state, foreign.identity);
  check_refused({"train", "--resume", run}, 65, "was written by fqt 0.0.1, and this is fqt ");
  foreign.identity["version"] = 1;
  trainer::write_checkpoint(checkpoint(run, 8), *experiment.model, *optimizer, foreign.state, foreign.identity);
  check_refused({"train", "--resume", run}, 65, "its identity is not what fqt writes");

  fs::remove_all(run + "/checkpoints");
  check_refused({"train", "--resume", run}, 66, "has no checkpoint");
  check_refused({"train", "--resume", folder / "none"}, 66, "there is no run directory");
}

TEST_CASE("resume: other data is refused, moved data is not") {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "word" + std::to_string(i * i % 17) + (i % 9 == 8 ? "\n" : " ");
  write(folder / "a.txt", text);
  const std::string run = folder / "run";
  const Outcome whole = succeed({"train", "lstm_lm", "--data", folder / "a.txt", "--batch", "2", "--steps", "4",
                                 "--set", "hidden=8", "--set", "sequence=5", "--out", run, "--json"});
  fs::rename(folder / "a.txt", folder / "b.txt");
  check_refused({"train", "--resume", run}, 66, "a.txt");
  const Outcome moved = succeed({"train", "--resume", run, "--data", folder / "b.txt", "--json"});
  CHECK(parse_json(moved.out)["weights_hash"] == parse_json(whole.out)["weights_hash"]);
  text[0] = 'W';
  write(folder / "c.txt", text);
  const std::string log = read(run + "/log.jsonl"), config = read(run + "/config.toml");
  check_refused({"train", "--resume", run, "--data", folder / "c.txt"}, 65, "its hash is another");
  CHECK(read(run + "/log.jsonl") == log);
  CHECK(read(run + "/config.toml") == config);
}

TEST_CASE("resume: while a run is on, its directory is taken") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  Process process({"train", "resnet8", "--batch", "2", "--steps", "100000", "--set", "eval.images=2", "--out", run});
  for (int i = 0; i < 1000 && read(run + "/log.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  check_refused({"train", "--resume", run}, 2, "another process is training in " + run);
  process.signal(SIGKILL);
  process.wait();
  check_refused({"train", "--resume", run, "--set", "eval.images=3"}, 2, "eval.images (3; the run has 2)");
}

TEST_CASE("resume: whichever write, fsync or rename fails, the run goes on from a checkpoint to the same bits") {
  const TemporaryFolder folder;
  trainer::Config config = trainer::resolve_config({{{"model", "resnet8", "model"},
                                                     {"train.batch", "1", "--batch"},
                                                     {"train.steps", "3", "--steps"},
                                                     {"threads", "1", "--threads"},
                                                     {"eval.every", "1", "--set"},
                                                     {"eval.images", "1", "--set"},
                                                     {"checkpoint.every", "2", "--set"}}});
  const auto directory_of = [&](const std::string& name) {
    config.out = folder / name;
    return trainer::RunDirectory::create(config, "shapes");
  };
  const uint64_t expected = train_here(config, directory_of("whole"));
  // There are about a thousand writes, one a tensor, and few of the others.
  struct Kind {
    FailingCall call;
    int stride;
  };
  const Kind kinds[] = {{FailingCall::write, 97}, {FailingCall::fsync, 1}, {FailingCall::rename, 1}};
  int runs = 0, resumed = 0;
  for (const Kind& kind : kinds) {
    bool failed = true;
    for (int n = 0; failed; n += kind.stride, ++runs) {
      CAPTURE(static_cast<int>(kind.call));
      CAPTURE(n);
      REQUIRE(n < 5000);
      const trainer::RunDirectory directory = directory_of("run" + std::to_string(runs));
      try {
        const FailingCalls failing(kind.call, n);
        const uint64_t hash = train_here(config, directory);
        CHECK(hash == expected);
        failed = false;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::io);
        CHECK(contains(error.what(), "No space left on device"));
      }
      std::error_code none;
      if (!fs::exists(directory.checkpoint(0), none) && !fs::exists(directory.checkpoint(2), none)) continue;
      trainer::Checkpoint from = trainer::newest_checkpoint(directory, [](const std::string& line) { FAIL(line); });
      CHECK(train_here(config, directory, trainer::Resumption{std::move(from), trainer::to_toml(config)}) == expected);
      ++resumed;
    }
  }
  CHECK(resumed > 20);
}

TEST_CASE("resume: --continue begins a run, goes on with it, and begins again where no checkpoint was reached") {
  const TemporaryFolder folder;
  const Arguments base{"train", "resnet8", "--batch", "2", "--continue", "--out", folder / "run"};
  const std::string hash = json::parse(succeed(base + kShort).out)["weights_hash"];
  const std::string again = succeed(base + kShort).out;
  CHECK(json::parse(again)["weights_hash"] == hash);
  CHECK(json::parse(read(folder / "run/manifest.json"))["resumed_from"] == 8);

  const Outcome other = fqt_program(base + kShort + Arguments{"--seed", "2"});
  CHECK(other.exit_code == kUsage);
  CHECK(contains(other.err, "seed (2; the run has 1)"));

  const auto clear_checkpoints = [&] {
    fs::remove_all(folder / "run/checkpoints");
    fs::create_directory(folder / "run/checkpoints");
  };
  clear_checkpoints();
  const Outcome finished = fqt_program(base + kShort);
  CHECK(finished.exit_code == kUsage);
  CHECK(contains(finished.err, "has finished, and there is no checkpoint of it"));
  CHECK(fs::exists(folder / "run/log.jsonl"));

  json manifest = json::parse(read(folder / "run/manifest.json"));
  manifest["status"] = "running";
  write(folder / "run/manifest.json", manifest.dump());
  const Outcome begun = succeed(base + kShort);
  CHECK(contains(begun.err, "beginning again"));
  CHECK(json::parse(begun.out)["weights_hash"] == hash);
  CHECK_FALSE(json::parse(read(folder / "run/manifest.json")).contains("resumed_from"));

  // As after a first checkpoint that found no room, where the weights did.
  clear_checkpoints();
  write(folder / "run/checkpoints/weights.safetensors", "");
  manifest["steps_done"] = 5;
  write(folder / "run/manifest.json", manifest.dump());
  CHECK(contains(fqt_program(base + kShort).err, "but no checkpoint to go on from"));
  manifest["steps_done"] = 0;
  write(folder / "run/manifest.json", manifest.dump());
  CHECK(json::parse(succeed(base + kShort).out)["weights_hash"] == hash);

  fs::create_directory(folder / "own");
  write(folder / "own/config.toml", "seed = 7  # mine\n");
  const Outcome own =
      fqt_program({"train", "resnet8", "--config", folder / "own/config.toml", "--continue", "--out", folder / "own"});
  CHECK(own.exit_code == kUsage);
  CHECK(read(folder / "own/config.toml") == "seed = 7  # mine\n");

  fs::create_directory(folder / "mine");
  write(folder / "mine/letter.txt", "");
  const Outcome foreign = fqt_program({"train", "resnet8", "--continue", "--out", folder / "mine"});
  CHECK(foreign.exit_code == kUsage);
  CHECK(contains(foreign.err, "letter.txt is not of a run"));
  CHECK_FALSE(fs::exists(folder / "mine/lock"));
  CHECK(contains(fqt_program({"train", "resnet8", "--continue"}).err, "--out DIR"));
  CHECK(fqt_program({"train", "resnet8", "--continue", "--resume", folder / "run"}).exit_code == kUsage);
}
