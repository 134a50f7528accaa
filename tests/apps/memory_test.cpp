// What a run says beforehand of the memory it will need, held against what it then takes.
#include "trainer/memory.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/sanitizer.h"
#include "trainer/host.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

namespace {

trainer::MemoryNeed need_of(std::vector<trainer::Assignment> flags) {
  flags.push_back({"threads", "1", "--threads"});
  return trainer::expected_memory(trainer::open_experiment(trainer::resolve_config({flags})));
}

int64_t activations(const char* batch, const char* plan = "U:6") {
  return need_of({{"model", "resnet8", "model"}, {"train.batch", batch, "--batch"}, {"plan", plan, "--plan"}})
      .activations;
}

}  // namespace

TEST_CASE("memory: what is derived from shapes is exact, and the same every time") {
  const std::vector<trainer::Assignment> flags{{"model", "resnet8", "model"}, {"train.batch", "16", "--batch"}};
  const trainer::MemoryNeed need = need_of(flags);
  constexpr int64_t kParameters = 78042;
  CHECK(need.gradients == 4 * kParameters);
  CHECK(need.optimizer == 4 * kParameters);  // the momentum
  CHECK(need.weights > 4 * kParameters);     // and running statistics
  CHECK(need.weights < 4 * kParameters + 8000);
  // Five batches for training, three for evaluation, of 16 images of 32x32x3.
  CHECK(need.batches == 8 * 16 * 32 * 32 * 3 * 4);
  const trainer::MemoryNeed again = need_of(flags);
  CHECK(again.activations == need.activations);
  CHECK(again.weights == need.weights);
}

TEST_CASE("memory: activations grow with the batch, and codes take less than floats") {
  const int64_t few = activations("32"), many = activations("128");
  CHECK(static_cast<double>(many) / static_cast<double>(few) == doctest::Approx(4).epsilon(0.1));
  CHECK(activations("128", "fp32") > many + many / 5);
}

TEST_CASE("memory: Adam keeps two moments, and file data counts") {
  const trainer::MemoryNeed need = need_of({{"model", "resnet8", "model"}, {"train.optimizer", "adam", "--set"}});
  CHECK(need.optimizer >= 2 * need.gradients);
  CHECK(need.data < 1'000'000);
  trainer::MemoryNeed made{.weights = 1'400'000, .activations = 1'200'600'000, .data = 400'000};
  CHECK(trainer::describe(made) == "about 1,202 MB (weights 1 MB, activations 1,201 MB)");
}

TEST_CASE("memory: a machine with less is told of, with what to do") {
  trainer::Experiment experiment;
  experiment.config.train.batch = 128;
  const trainer::MemoryNeed need{.activations = 2'000'000'000};
  CHECK_FALSE(trainer::memory_warning(experiment, need, 2'000'000'000));
  CHECK(*trainer::memory_warning(experiment, need, 1'500'000'000) ==
        "warning: that is more than the 1,500 MB there are here, so that the system may end this run; give a smaller "
        "batch, as in --batch 64");
}

TEST_CASE("memory: what there is comes from the system, or from a control group around the process") {
  const TemporaryFolder root;
  CHECK(trainer::available_bytes(root.path()) == std::numeric_limits<int64_t>::max());
  for (const char* folder : {"proc/self", "sys/fs/cgroup/outer/inner"})
    std::filesystem::create_directories(root / folder);
  write(root / "proc/meminfo", "MemTotal:       99 kB\nMemAvailable:   4000000 kB\n");
  const int64_t available = trainer::available_bytes(root.path());
  CHECK(available >= 4'096'000'000);
  CHECK(available < 8'000'000'000);
  write(root / "proc/self/cgroup", "0::/outer/inner\n");
  write(root / "sys/fs/cgroup/outer/inner/memory.max", "max\n");
  CHECK(trainer::available_bytes(root.path()) >= 4'096'000'000);
  write(root / "sys/fs/cgroup/outer/memory.max", "1000000\n");
  CHECK(trainer::available_bytes(root.path()) == 1'000'000);
}

TEST_CASE("memory: what a run says it will need is within a fifth of what it takes") {
  if (kAddressSanitizer) {
    MESSAGE("skipped: under the address sanitizer a program takes several times its memory");
    return;
  }
  struct Row {
    const char* model;
    std::vector<std::string> flags;
  };
  const Row rows[] = {
      {"resnet8", {"--batch", "96"}},
      {"resnet8", {"--batch", "96", "--plan", "fp32", "--threads", "1"}},
      {"custom_f", {"--batch", "64", "--plan", "U:7", "--threads", "2"}},
      {"lstm_lm", {"--batch", "8", "--set", "hidden=512"}},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.model));
    const TemporaryFolder folder;
    std::vector<std::string> arguments{"train",         row.model, "--steps",        "2",     "--set",
                                       "eval.images=1", "--set",   "eval.tokens=10", "--out", folder / "run"};
    arguments.insert(arguments.end(), row.flags.begin(), row.flags.end());
    const Outcome outcome = fqt_program(arguments);
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    CHECK(contains(outcome.err, "\nmemory: about "));
    CHECK(contains(outcome.out, "\npeak memory    "));
    const json manifest = parse_json(read(folder / "run/manifest.json"));
    const double expected = manifest["memory_expected"], peak = manifest["memory_peak"];
    CHECK(peak > 60e6);
    CHECK(expected / peak == doctest::Approx(1).epsilon(0.2));
  }
}
