// `fqt bench step`: figures that add up, for every kind of input, and a trace that tools can read.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "apps/json.h"
#include "apps/process.h"

using namespace fqt::test;
using nlohmann::json;

namespace {

Outcome bench(std::vector<std::string> more) {
  std::vector<std::string> arguments{"bench", "step"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.insert(arguments.end(), {"--repeats", "1"});
  return fqt_program(arguments);
}

double sum(const json& phases) {
  double all = 0;
  for (const json& phase : phases) all += phase.get<double>();
  return all;
}

const std::vector<std::string> kSmall{"resnet8", "--batch", "2"};

std::vector<std::string> with(std::vector<std::string> flags, const std::vector<std::string>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace

TEST_CASE("bench step: phases and operations add up to the recorded step") {
  const std::vector<std::vector<std::string>> models{
      kSmall,
      {"mobilenet_v2_0.5", "--batch", "2", "--plan", "fp32"},
      {"lstm_lm", "--batch", "2", "--set", "sequence=3", "--set", "hidden=16"},
      {"transformer_lm", "--batch", "2", "--set", "sequence=4", "--set", "hidden=16", "--set", "depth=1"}};
  for (const std::vector<std::string>& model : models) {
    CAPTURE(model.front());
    const Outcome outcome = bench(with(model, {"--json"}));
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json report = parse_json(outcome.out);
    CHECK(report["model"] == model.front());
    CHECK(report["data"] == "random");
    CHECK(report["gop"] > 0);
    CHECK(report["gops_peak_of_a_thread"] > 0);
    CHECK(report["ms_min"] <= report["ms_median"]);
    const double recorded = report["recorded_ms"];
    CHECK(recorded > 0);
    CHECK(sum(report["phases"]) == doctest::Approx(recorded).epsilon(1e-6));
    for (const char* phase : {"gemm", "quantize", "optimizer", "loss"}) CHECK(report["phases"].contains(phase));
    double operations = 0;
    bool product = false;
    for (const json& operation : report["operations"]) {
      operations += operation["ms"].get<double>();
      CHECK(operation["ms_backward"] <= operation["ms"].get<double>() + 1e-9);
      product = product || operation["phases"].contains("gemm");
    }
    CHECK(operations == doctest::Approx(recorded).epsilon(1e-6));
    CHECK(product);
  }
}

TEST_CASE("bench step: --trace writes events that lie within the recording") {
  const TemporaryFolder folder;
  const Outcome outcome = bench(with(kSmall, {"--trace", folder / "trace.json", "--threads", "2"}));
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out.find("phase") != std::string::npos);
  const json trace = parse_json(read(folder / "trace.json"));
  REQUIRE(trace["traceEvents"].size() > 20);
  std::set<std::string> names;
  for (const json& event : trace["traceEvents"]) {
    names.insert(event["name"]);
    CHECK(event["ph"] == "X");
    CHECK(event["ts"] >= 0);
    CHECK(event["dur"] >= 0);
  }
  for (const char* name : {"stem.conv", "stem.conv gemm", "stage3.block0.conv2 quantize", "batch_norm_relu norm"})
    CHECK(names.contains(name));
}

TEST_CASE("bench step: what is wrong is said") {
  CHECK(bench({"resnet8", "--batch", "2", "--plan", "U:99"}).exit_code == kUsage);
  CHECK(bench(with(kSmall, {"--set", "train.steps=3"})).exit_code == kUsage);
  CHECK(bench({"no_such_model"}).exit_code == kUsage);
  CHECK(bench(with(kSmall, {"--data", "grammar"})).exit_code == kUsage);
  CHECK(bench(with(kSmall, {"--trace", "/no/such/folder/trace.json"})).exit_code == kIo);
}
