#include "study/estimate.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>

#include "engine/check.h"
#include "study/children.h"
#include "study/outcome.h"
#include "trainer/identity.h"
#include "trainer/json.h"

namespace fqt::study {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kSteps = 3;              ///< the first is slower than others
constexpr double kEvaluation = 1.0 / 3.0;  ///< of a training step: the forward product of three

/// Equal for runs whose steps take about as long.
std::string kind_of(const SweepRun& run) {
  trainer::Json keys = trainer::deciding_keys(run.config);
  for (const char* key : {"seed", "recipe", "eval.every", "eval.images", "eval.tokens", "train.learning_rate"})
    keys.erase(key);
  const char* width = run.widest <= 8 ? "narrow" : run.widest < 32 ? "wide" : "float";
  return fmt::format("{} {} {}", keys.dump(), run.data, width);
}

/// What was measured of a kind of run.
struct Timing {
  double step = 0, start = 0;  ///< seconds
  int64_t memory = 0;
};

/// A temporary folder that goes away with the object.
class TrialFolder {
 public:
  TrialFolder() : path_((fs::temp_directory_path() / fmt::format("fqt-sweep-{}", ::getpid())).string()) {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) fail(ErrorKind::io, "[sweep] the folder {} cannot be made: {}", path_, error.message());
  }
  ~TrialFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  std::string run(size_t number) const { return fmt::format("{}/{}", path_, number); }

 private:
  std::string path_;
};

/// The run, cut to a few steps, in `directory`.
Command trial_of(SweepRun run, const std::string& directory, int threads) {
  run.directory = directory;
  std::erase_if(run.assignments, [](const trainer::Assignment& assignment) {
    return assignment.key == "train.steps" || assignment.key == "train.epochs" || assignment.key.starts_with("eval.");
  });
  run.assignments.push_back({"train.steps", std::to_string(kSteps), ""});
  for (const char* key : {"eval.images", "eval.tokens"}) run.assignments.push_back({key, "1", ""});
  Command command{{this_program()}, run.directory + ".log"};
  const std::vector<std::string> arguments = train_arguments(run, threads);
  command.words.insert(command.words.end(), arguments.begin(), arguments.end());
  return command;
}

/// `wall`: seconds from its start to its end.
Timing timing_of(const std::string& directory, double wall) {
  const Outcome outcome = read_outcome(directory);
  const double first = outcome.losses.front().seconds, last = outcome.losses.back().seconds;
  return {(last - first) / static_cast<double>(kSteps - 1), std::max(wall - last, 0.0), outcome.memory_peak};
}

Expected expected_of(const SweepRun& run, const Timing& timing) {
  const trainer::Config& config = run.config;
  const int64_t on_the_way = config.eval.every > 0 ? (config.train.steps - 1) / config.eval.every : 0;
  const double batches = static_cast<double>(run.test_items) / static_cast<double>(run.batch_items);
  const double steps =
      static_cast<double>(config.train.steps) + kEvaluation * batches * static_cast<double>(1 + on_the_way);
  return {timing.start + timing.step * steps, timing.memory};
}

}  // namespace

std::vector<Expected> expect(const std::vector<const SweepRun*>& runs, Share share, trainer::Progress& progress,
                             const trainer::Interrupt& interrupt) {
  std::vector<std::string> kinds;
  std::vector<const SweepRun*> examples;
  for (const SweepRun* run : runs)
    if (const std::string kind = kind_of(*run); std::ranges::find(kinds, kind) == kinds.end()) {
      kinds.push_back(kind);
      examples.push_back(run);
    }
  const TrialFolder folder;
  std::map<std::string, Timing> timings;
  std::map<size_t, Clock::time_point> begun;
  const auto start = [&](size_t i) {
    begun[i] = Clock::now();
    return std::optional(trial_of(*examples[i], folder.run(i), share.threads));
  };
  const auto ended = [&](size_t i, Exit exit) {
    const std::chrono::duration<double> wall = Clock::now() - begun[i];
    if (exit.code == 0)
      timings[kinds[i]] = timing_of(folder.run(i), wall.count());
    else if (!interrupt.requested())
      progress.note(
          fmt::format("{} could not be timed: its trial ended with exit code {}", examples[i]->name, exit.code));
  };
  const auto tick = [&](const std::vector<size_t>&) {
    progress.update(
        {.what = "timing", .done = static_cast<int64_t>(timings.size()), .total = static_cast<int64_t>(kinds.size())});
  };
  run_children(examples.size(), static_cast<size_t>(share.jobs), {start, ended, tick}, interrupt);
  interrupt.check("sweep");
  std::vector<Expected> expected;
  for (const SweepRun* run : runs) {
    const auto timing = timings.find(kind_of(*run));
    expected.push_back(timing == timings.end() ? Expected{} : expected_of(*run, timing->second));
  }
  return expected;
}

}  // namespace fqt::study
