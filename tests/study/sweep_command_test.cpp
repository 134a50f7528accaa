// Sweeps from beginning to end through the program: what they leave, and how they are stopped and gone on with.
#include <doctest/doctest.h>

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
  for (const char* key : {"out=elsewhere", "threads=1"}) {
    const test::Outcome outcome = sweep(folder, kTwo, {"--set", key});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "the sweep itself says it"));
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
