// Sweeps from beginning to end through the program: what they leave, and how they are stopped and gone on with.
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>

#include "apps/json.h"
#include "apps/process.h"
#include "study/outcome.h"
#include "study/sweep.h"
#include "trainer/plan_view/table.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Hashes = std::map<std::string, std::string>;

constexpr const char* kTwo = R"(
[[grid]]
models = "resnet8"
plans = ["A:C+:4-8", "A:C-:4-8"]
steps = 3
set.train.batch = 2
set.eval.images = 4
)";

test::Outcome sweep(const TemporaryFolder& folder, const std::string& spec, std::vector<std::string> more = {}) {
  write(folder / "two.toml", spec);
  more.insert(more.begin(), {"sweep", "two.toml", "--jobs", "2"});
  return fqt_program(more, {}, folder.path());
}

std::vector<json> rows_of(const std::string& out) {
  std::istringstream lines(read(out + "/results.jsonl"));
  std::vector<json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(parse_json(line));
  return rows;
}

Hashes hashes_of(const std::string& out) {
  Hashes hashes;
  for (const json& row : rows_of(out)) hashes[row["name"]] = row["weights_hash"].is_null() ? "" : row["weights_hash"];
  return hashes;
}

/// Waits until a file below `folder` that ends so holds as many lines.
bool wait_for_lines(const std::string& folder, const std::string& name, int lines) {
  for (int i = 0; i < 2000; ++i) {
    std::error_code error;
    if (fs::is_directory(folder, error))
      for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
        const std::string text = entry.path().filename() == name ? read(entry.path().string()) : "";
        if (std::count(text.begin(), text.end(), '\n') >= lines) return true;
      }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("sweep: runs, results and a summary; a second start repeats nothing") {
  const TemporaryFolder folder;
  const test::Outcome outcome = sweep(folder, kTwo);
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(contains(outcome.err, "2 runs to do, about"));
  CHECK(contains(outcome.out, "2 finished"));
  CHECK(contains(outcome.out, "too few seeds"));
  const std::string out = folder / "sweeps/two";
  const std::vector<json> rows = rows_of(out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["plan"] == "A:C+:4-8");
  CHECK(rows[0]["status"] == "finished");
  CHECK(rows[0]["final_metric"] == "test_accuracy");
  CHECK(rows[0]["steps_done"] == 3);
  CHECK(rows[0]["weights_mb"] > rows[1]["weights_mb"]);
  const std::string csv = read(out + "/results.csv");
  CHECK(csv.starts_with("name,id,status,model,data,plan,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 3);
  CHECK(fqt::study::read_outcomes({out}).size() == 2);
  CHECK(read(out + "/sweep.toml") == kTwo);

  std::map<std::string, std::string> manifests;
  for (const json& row : rows) manifests[row["name"]] = read(row["directory"].get<std::string>() + "/manifest.json");
  const test::Outcome again = sweep(folder, kTwo, {"--json"});
  REQUIRE(again.exit_code == 0);
  for (const json& row : rows)
    CHECK(read(row["directory"].get<std::string>() + "/manifest.json") == manifests[row["name"]]);
  const json said = parse_json(again.out);
  CHECK(said["counts"]["finished"] == 2);
  CHECK(said["comparisons"][0]["verdict"] == "too few seeds");
  CHECK(said["comparisons"][0]["difference"] == rows[0]["final"].get<double>() - rows[1]["final"].get<double>());
}

TEST_CASE("sweep: commands that it emits, and single runs, give the hashes of the sweep itself") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo, {"--out", "a"}).exit_code == 0);
  const test::Outcome emitted = sweep(folder, kTwo, {"--out", "b c", "--emit"});
  REQUIRE(emitted.exit_code == 0);
  CHECK_FALSE(fs::exists(folder / "b c"));
  std::istringstream lines(emitted.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CAPTURE(line);
    REQUIRE(std::system((line + " --quiet > /dev/null").c_str()) == 0);
  }
  CHECK(count == 2);
  const test::Outcome finished = sweep(folder, kTwo, {"--out", "b c"});
  CHECK_FALSE(contains(finished.err, "started"));
  CHECK(hashes_of(folder / "b c") == hashes_of(folder / "a"));
  CHECK(sweep(folder, kTwo, {"--out", "b c", "--emit"}).out.empty());

  REQUIRE(sweep(folder, kTwo, {"--out", "d", "--index", "2"}).exit_code == 0);
  REQUIRE(rows_of(folder / "d").size() == 1);
  CHECK(rows_of(folder / "d")[0]["weights_hash"] == rows_of(folder / "a")[1]["weights_hash"]);
  const test::Outcome status = sweep(folder, kTwo, {"--out", "d", "--status"});
  CHECK(contains(status.out, "1 finished, 1 waiting"));
  const test::Outcome beyond = sweep(folder, kTwo, {"--out", "d", "--index", "3"});
  CHECK(beyond.exit_code == 2);
  CHECK(contains(beyond.err, "the sweep has 2 runs"));
}

TEST_CASE(
    "sweep: what it emits begins again where a run was killed early, goes on from a checkpoint, and spares others") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo, {"--out", "a"}).exit_code == 0);
  const std::string emitted = sweep(folder, kTwo, {"--out", "b", "--emit"}).out;
  const auto run_all = [&] {
    std::istringstream lines(emitted);
    std::vector<int> codes;
    for (std::string line; std::getline(lines, line);)
      codes.push_back(WEXITSTATUS(std::system((line + " --quiet > /dev/null 2> " + folder / "err").c_str())));
    return codes;
  };
  std::vector<std::string> runs;
  for (const json& row : rows_of(folder / "a")) runs.push_back(folder / "b/runs/" + row["name"].get<std::string>());
  // As a kill leaves them: in the middle of the first files, and with all of them but no checkpoint.
  fs::create_directories(runs[0] + "/checkpoints");
  write(runs[0] + "/lock", "");
  write(runs[0] + "/config.toml.77-0.tmp", "model =");
  fs::create_directories(runs[1]);
  fs::copy(rows_of(folder / "a")[1]["directory"].get<std::string>(), runs[1], fs::copy_options::recursive);
  json manifest = json::parse(read(runs[1] + "/manifest.json"));
  manifest["status"] = "running";
  write(runs[1] + "/manifest.json", manifest.dump());
  for (const auto& entry : fs::directory_iterator(runs[1] + "/checkpoints")) fs::remove(entry.path());
  CHECK(run_all() == std::vector<int>{0, 0});
  CAPTURE(read(folder / "err"));
  REQUIRE(sweep(folder, kTwo, {"--out", "b"}).exit_code == 0);
  CHECK(hashes_of(folder / "b") == hashes_of(folder / "a"));

  CHECK(run_all() == std::vector<int>{0, 0});  // they have finished: evaluated again from the last checkpoint
  CHECK(json::parse(read(runs[0] + "/manifest.json"))["resumed_from"] == 3);
  fs::remove_all(runs[0] + "/checkpoints");
  write(runs[1] + "/notes.txt", "mine");
  for (const auto& entry : fs::directory_iterator(runs[1] + "/checkpoints")) fs::remove(entry.path());
  CHECK(run_all() == std::vector<int>{kUsage, kUsage});
  CHECK(fs::exists(runs[0] + "/manifest.json"));
  CHECK(contains(read(folder / "err"), "notes.txt is not of a run"));
}

TEST_CASE("sweep: --index begins a run again that was killed early") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo, {"--out", "a"}).exit_code == 0);
  const json row = rows_of(folder / "a")[1];
  fs::create_directories(folder / "b/runs/" + row["name"].get<std::string>() + "/checkpoints");
  const test::Outcome outcome = sweep(folder, kTwo, {"--out", "b", "--index", "2"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(rows_of(folder / "b")[0]["weights_hash"] == row["weights_hash"]);
}

TEST_CASE("sweep: --dry-run says its estimate on standard output, and with --json as JSON") {
  const TemporaryFolder folder;
  const test::Outcome text = sweep(folder, kTwo, {"--dry-run", "--quiet"});
  CHECK(text.exit_code == 0);
  CHECK(text.err.empty());
  CHECK(contains(text.out, "2 waiting"));
  CHECK(contains(text.out, "2 runs to do, about"));
  const test::Outcome one = sweep(folder, kTwo, {"--dry-run", "--quiet", "--index", "2", "--json"});
  REQUIRE(one.exit_code == 0);
  const json said = json::parse(one.out);
  CHECK(said["counts"]["waiting"] == 2);
  const json estimate = said["estimate"];
  CHECK(estimate["runs"] == 1);
  CHECK(estimate["complete"] == true);
  CHECK(estimate["seconds"] > 0);
  CHECK(estimate["by_run"][0]["index"] == 2);
  CHECK(estimate["by_run"][0]["seconds"] == estimate["seconds"]);
  CHECK_FALSE(fs::exists(folder / "sweeps"));
}

TEST_CASE("sweep: an estimate says which trial runs failed and why, and that it is incomplete") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "tmp");
  write(folder / "bad.safetensors", "oops");
  write(folder / "two.toml", std::string(kTwo) +
                                 "[[grid]]\nmodels = 'resnet8'\nsteps = 3\nset.train.batch = 3\n"
                                 "set.eval.images = 4\nset.weights = 'bad.safetensors'\n");
  const auto dry = [&](const std::string& more) {
    return fqt_program({"sweep", "two.toml", "--dry-run", more}, {{"TMPDIR", folder / "tmp"}}, folder.path());
  };
  const test::Outcome text = dry("--quiet");
  CHECK(text.exit_code == 0);
  CHECK(contains(text.err, "not timed   resnet8-U6-shapes-s1-"));
  CHECK(contains(text.err, "bad.safetensors"));
  CHECK(contains(text.out, "3 runs to do, more than"));
  CHECK(contains(text.out, "incomplete: 1 of them could not be timed"));
  const json estimate = json::parse(dry("--json").out)["estimate"];
  CHECK(estimate["complete"] == false);
  CHECK(contains(estimate["by_run"][2]["not_timed"].get<std::string>(), "bad.safetensors"));
  CHECK(fs::is_empty(folder / "tmp"));
}

TEST_CASE("sweep: Ctrl-C while it measures takes the trial runs and their folder away") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "tmp");
  write(folder / "two.toml", kTwo);
  Process process({"sweep", "two.toml", "--dry-run", "--set", "train.batch=400"}, {{"TMPDIR", folder / "tmp"}},
                  folder.path());
  REQUIRE(wait_for_lines(folder / "tmp", "log.jsonl", 1));
  process.signal(SIGINT);
  CHECK(process.wait().exit_code == kInterrupted);
  CHECK(fs::is_empty(folder / "tmp"));
  const test::Outcome nowhere =
      fqt_program({"sweep", "two.toml", "--dry-run"}, {{"TMPDIR", folder / "none"}}, folder.path());
  CHECK(nowhere.exit_code == kIo);
  CHECK(contains(nowhere.err, "TMPDIR"));
}

TEST_CASE("sweep: rows of other runs in the folder stay while their directories do") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo).exit_code == 0);
  const std::string out = folder / "sweeps/two";
  const std::vector<json> before = rows_of(out);
  REQUIRE(sweep(folder, kTwo, {"--set", "train.steps=2"}).exit_code == 0);
  std::vector<json> rows = rows_of(out);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["steps"] == 2);
  for (const json& row : before) CHECK(std::ranges::count(rows, row) == 1);
  const std::string csv = read(out + "/results.csv");
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 5);

  fs::remove_all(before[0]["directory"].get<std::string>());
  const std::string other = before[1]["directory"].get<std::string>() + "/manifest.json";
  write(other, "{}");  // as of another version: what is on record of it stays
  REQUIRE(sweep(folder, kTwo, {"--set", "train.steps=2"}).exit_code == 0);
  rows = rows_of(out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[2] == before[1]);
}

TEST_CASE("sweep: the names of runs give way on a narrow terminal") {
  const TemporaryFolder folder;
  const fqt::study::Sweep two(fqt::study::parse_sweep(kTwo, "two", "two.toml"), {.out = folder / "out"},
                              fqt::study::DataPlaces({}));
  std::vector<fqt::study::RunState> states = two.states();
  CHECK(contains(fqt::study::status_text(two, states, SIZE_MAX), "1  waiting  " + two.runs()[0].name + "  0/3\n"));
  const std::string narrow = fqt::study::status_text(two, states, 40);
  std::istringstream lines(narrow);
  for (std::string line; std::getline(lines, line);) CHECK(fqt::trainer::text_width(line) <= 40);
  CHECK(contains(narrow, two.runs()[0].id.substr(0, 8)));
}

TEST_CASE("sweep: --threads is of each run, and changes no id") {
  const TemporaryFolder folder;
  const auto emitted = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"sweep", "two.toml", "--emit", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    write(folder / "two.toml", kTwo);
    return json::parse(fqt_program(arguments, {}, folder.path()).out)["commands"][0];
  };
  const json one = emitted({"--jobs", "1", "--threads", "1"}), three = emitted({"--threads", "3"}), left = emitted({});
  CHECK(contains(one["command"], " --threads 1 "));
  CHECK(contains(three["command"], " --threads 3 "));
  CHECK(one["id"] == three["id"]);
  CHECK(one["id"] == left["id"]);
  CHECK(fqt_program({"sweep", "smoke", "--threads", "0"}).exit_code == kUsage);
  REQUIRE(sweep(folder, kTwo, {"--threads", "1", "--index", "1"}).exit_code == 0);
  CHECK(rows_of(folder / "sweeps/two")[0]["threads"] == 1);
}

TEST_CASE("sweep: Ctrl-C is passed on, and the next start goes on to the same bits") {
  const TemporaryFolder folder;
  const std::string spec = std::string(kTwo) + "set.checkpoint.seconds = 0\n";
  REQUIRE(sweep(folder, spec, {"--out", "whole", "--set", "train.steps=150"}).exit_code == 0);
  write(folder / "two.toml", spec);
  const std::vector<std::string> arguments{"sweep",  "two.toml", "--out", "stopped",
                                           "--jobs", "1",        "--set", "train.steps=150"};
  Process process(arguments, {}, folder.path());
  REQUIRE(wait_for_lines(folder / "stopped/runs", "log.jsonl", 5));
  process.signal(SIGINT);
  const test::Outcome stopped = process.wait();
  CAPTURE(stopped.err);
  CHECK(stopped.exit_code == 130);
  CHECK(contains(stopped.err, "interrupted: "));
  CHECK(
      contains(sweep(folder, spec, {"--out", "stopped", "--set", "train.steps=150", "--status"}).out, "1 interrupted"));
  const test::Outcome rest = fqt_program(arguments, {}, folder.path());
  CAPTURE(rest.err);
  REQUIRE(rest.exit_code == 0);
  CHECK(hashes_of(folder / "stopped") == hashes_of(folder / "whole"));
}

TEST_CASE("sweep: one that is killed takes its runs with it, and they can be gone on with") {
  const TemporaryFolder folder;
  write(folder / "two.toml", kTwo);
  Process process({"sweep", "two.toml", "--out", "killed", "--jobs", "2", "--set", "train.steps=100000"}, {},
                  folder.path());
  REQUIRE(wait_for_lines(folder / "killed/runs", "log.jsonl", 3));
  process.signal(SIGKILL);
  process.wait();
  bool ended = false;
  for (int i = 0; i < 500 && !ended; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ended = true;
    for (const fqt::study::Outcome& outcome : fqt::study::read_outcomes({folder / "killed"}))
      ended = ended && outcome.status == fqt::study::Status::interrupted;
  }
  CHECK(ended);
}

TEST_CASE("sweep: a run that fails is reported, kept, and run again only where that is asked for") {
  const TemporaryFolder folder;
  write(folder / "bad.safetensors", "oops");
  const std::string spec = std::string(kTwo) + "set.weights = 'bad.safetensors'\n";
  const test::Outcome failed = sweep(folder, spec, {"--out", "out"});
  CAPTURE(failed.err);
  CHECK(failed.exit_code == 65);
  CHECK(contains(failed.err, "2 runs failed"));
  CHECK(contains(failed.err, "bad.safetensors"));
  CHECK(rows_of(folder / "out")[0]["status"] == "failed");
  const test::Outcome again = sweep(folder, spec, {"--out", "out"});
  CHECK(again.exit_code == 65);
  CHECK_FALSE(contains(again.err, "started"));
  CHECK(contains(sweep(folder, spec, {"--out", "out", "--retry"}).err, "started"));
}

TEST_CASE("sweep: results of another version, or of another run, are not taken for its own") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo, {"--out", "out"}).exit_code == 0);
  const std::string manifest = rows_of(folder / "out")[0]["directory"].get<std::string>() + "/manifest.json";
  json changed = parse_json(read(manifest));
  const std::string version = changed["version"];
  changed["version"] = "0.0.9";
  write(manifest, changed.dump());
  const test::Outcome other = sweep(folder, kTwo, {"--out", "out"});
  CHECK(other.exit_code == 65);
  CHECK(contains(other.err, "was written by fqt 0.0.9, and this is fqt " + version));
  changed["version"] = version;
  changed["id"] = "0123456789abcdef";
  write(manifest, changed.dump());
  CHECK(contains(sweep(folder, kTwo, {"--out", "out"}).err, "holds another run than its name says"));
  changed.erase("id");
  write(manifest, changed.dump());
  const test::Outcome without = sweep(folder, kTwo, {"--out", "out"});
  CHECK(without.exit_code == 65);
  CHECK(contains(without.err, manifest + " has no key 'id'"));
}

TEST_CASE("sweep: sizes alone, and mistakes") {
  const TemporaryFolder folder;
  const test::Outcome sizes =
      sweep(folder, "sizes_only = true\n[[grid]]\nmodels = 'resnet20'\nplans = ['U:6', 'F:C+:4-8']\n");
  CAPTURE(sizes.err);
  CHECK(sizes.exit_code == 0);
  CHECK(contains(sizes.out, "0.205"));
  CHECK(contains(sizes.out, "0.158"));
  CHECK(rows_of(folder / "sweeps/two").size() == 2);
  CHECK(fqt_program({"sweep"}).exit_code == 2);
  CHECK(contains(fqt_program({"sweep", "tabel1"}).err, "built in are smoke"));
  CHECK(contains(sweep(folder, "[[grid]]\nmodels = 'resnet8'\ndata = 'imagenet'\n").err, "--data imagenet=PATH"));
  CHECK(contains(fqt_program({"sweep", "smoke", "--toml"}).out, "[[grid]]"));
}

TEST_CASE("sweep: started where the ends of children are ignored, it does not wait for ever") {
  const TemporaryFolder folder;
  write(folder / "two.toml", kTwo);
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  Process process({"sweep", "two.toml", "--jobs", "2"}, {}, folder.path());
  std::signal(SIGCHLD, before);
  const test::Outcome outcome = process.wait();
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "2 finished"));
}

TEST_CASE("sweep: keys that it gives to each run itself are refused, and nothing is run") {
  const TemporaryFolder folder;
  for (const auto& [key, option] : {std::pair("out=elsewhere", "--out DIR"), {"threads=1", "--threads N"}}) {
    const test::Outcome outcome = sweep(folder, kTwo, {"--set", key});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, std::string("the sweep itself says it; leave it out and give ") + option));
  }
  CHECK_FALSE(fs::exists(folder / "sweeps"));
}

TEST_CASE("sweep: a figure that is not finite ends no sweep and counts in no mean") {
  const TemporaryFolder folder;
  REQUIRE(sweep(folder, kTwo).exit_code == 0);
  for (const auto& entry : fs::directory_iterator(folder / "sweeps/two/runs")) {
    const std::string path = entry.path().string() + "/manifest.json";
    auto manifest = nlohmann::ordered_json::parse(read(path));
    manifest["test_accuracy"] = nullptr;
    write(path, manifest.dump());
    break;
  }
  const test::Outcome outcome = sweep(folder, kTwo, {"--json"});
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 0);
  int known = 0;
  for (const json& row : rows_of(folder / "sweeps/two")) known += !row["final"].is_null();
  CHECK(known == 1);
}
