#include "study/estimate.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
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
  return fmt::format("{} {} {}", trainer::to_text(keys), run.data, width);
}

/// What was measured of a kind of run.
struct Timing {
  double step = 0, start = 0;  ///< seconds
  int64_t memory = 0;
};

/// A temporary folder that goes away with the object.
class TrialFolder {
 public:
  TrialFolder() {
    std::error_code error;
    const fs::path place = fs::temp_directory_path(error);
    path_ = (place / "fqt-sweep-XXXXXX").string();
    if (error || ::mkdtemp(path_.data()) == nullptr)
      fail(ErrorKind::io, "[sweep] no folder for trial runs can be made in {}: {}; name another place in TMPDIR",
           error ? "the system's temporary folder" : place.string(), error ? error.message() : std::strerror(errno));
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

/// What a trial comes to: its timing, or why there is none.
struct Trial {
  Timing timing;
  std::string unknown;
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
Trial trial_in(const std::string& directory, Exit exit, double wall) {
  if (exit.code != 0) return {{}, "its trial run failed: " + reason_of(exit, directory + ".log")};
  try {
    const Outcome outcome = read_outcome(directory);
    check(!outcome.losses.empty(), "[sweep] its log has no steps");
    const double first = outcome.losses.front().seconds, last = outcome.losses.back().seconds;
    return {{(last - first) / static_cast<double>(kSteps - 1), std::max(wall - last, 0.0), outcome.memory_peak}, ""};
  } catch (const Error& error) {
    return {{}, fmt::format("its trial run cannot be read: {}", error.what())};
  }
}

Expected expected_of(const SweepRun& run, const Timing& timing) {
  const trainer::Config& config = run.config;
  const int64_t on_the_way = config.eval.every > 0 ? (config.train.steps - 1) / config.eval.every : 0;
  const double batches = static_cast<double>(run.test_items) / static_cast<double>(run.batch_items);
  const double steps =
      static_cast<double>(config.train.steps) + kEvaluation * batches * static_cast<double>(1 + on_the_way);
  return {timing.start + timing.step * steps, timing.memory, ""};
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
  std::map<std::string, Trial> trials;
  std::map<size_t, Clock::time_point> begun;
  const auto start = [&](size_t i) {
    begun[i] = Clock::now();
    return std::optional(trial_of(*examples[i], folder.run(i), share.threads));
  };
  const auto ended = [&](size_t i, Exit exit) {
    if (interrupt.requested()) return;
    const std::chrono::duration<double> wall = Clock::now() - begun[i];
    const Trial& trial = trials[kinds[i]] = trial_in(folder.run(i), exit, wall.count());
    if (!trial.unknown.empty()) progress.warn(fmt::format("not timed   {}: {}", examples[i]->name, trial.unknown));
  };
  const auto tick = [&](const std::vector<size_t>&) {
    progress.update(
        {.what = "timing", .done = static_cast<int64_t>(trials.size()), .total = static_cast<int64_t>(kinds.size())});
  };
  // There is nothing to save, and the folder is to be gone before a second signal ends the program.
  run_children(examples.size(), static_cast<size_t>(share.jobs), {start, ended, tick}, interrupt, SIGKILL);
  interrupt.check("sweep");
  std::vector<Expected> expected;
  for (const SweepRun* run : runs) {
    const Trial& trial = trials.at(kind_of(*run));
    expected.push_back(trial.unknown.empty() ? expected_of(*run, trial.timing) : Expected{0, 0, trial.unknown});
  }
  return expected;
}

}  // namespace fqt::study
