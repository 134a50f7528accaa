#include "trainer/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/check.h"
#include "trainer/weights.h"

namespace fqt::trainer {
namespace {

namespace fs = std::filesystem;

constexpr double kMostOfTheTime = 0.05;  ///< that writing by the clock may take

/// Steps behind checkpoints/step-N.safetensors; -1 for other names.
int64_t step_of(const fs::path& path) {
  constexpr std::string_view kStart = "step-", kEnd = ".safetensors";
  const std::string name = path.filename().string();
  if (!name.starts_with(kStart) || !name.ends_with(kEnd)) return -1;
  const char *begin = name.data() + kStart.size(), *end = name.data() + name.size() - kEnd.size();
  int64_t step = -1;
  const auto [stop, error] = std::from_chars(begin, end, step);
  return error == std::errc() && stop == end ? step : -1;
}

/// Oldest first.
std::vector<int64_t> steps_in(const RunDirectory& directory) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory.checkpoints(), error))
    if (const int64_t step = step_of(entry.path()); step >= 0) steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

}  // namespace

std::vector<std::string> checkpoint_files(const RunDirectory& directory) {
  std::vector<std::string> paths;
  for (const int64_t step : steps_in(directory)) paths.insert(paths.begin(), directory.checkpoint(step));
  if (std::error_code error; fs::exists(directory.best(), error)) paths.push_back(directory.best());
  return paths;
}

int64_t load_last_weights(const RunDirectory& directory, layers::Module& model,
                          const std::function<void(const std::string&)>& warn) {
  const std::vector<int64_t> steps = steps_in(directory);
  std::error_code error;
  const bool evaluated = steps.empty() || fs::exists(directory.weights(), error);
  const int64_t step = evaluated ? load_weights(directory.weights(), model) : -1;
  if (steps.empty() || steps.back() <= step) return step;
  return load_weights(newest_checkpoint(directory, warn).path, model);
}

Checkpoint newest_checkpoint(const RunDirectory& directory, const std::function<void(const std::string&)>& warn) {
  const std::vector<std::string> paths = checkpoint_files(directory);
  if (paths.empty())
    fail(ErrorKind::missing,
         "[resume] {} has no checkpoint: it was stopped before its first step, or is of an older "
         "fqt; start it again",
         directory.path());
  for (const std::string& path : paths) {
    try {
      return read_checkpoint(path);
    } catch (const Error& error) {
      warn(fmt::format("{}; trying the checkpoint before it", error.what()));
    }
  }
  fail(ErrorKind::data, "[resume] none of the {} checkpoints in {} can be read; start the run again", paths.size(),
       directory.checkpoints());
}

Checkpoints::Checkpoints(const RunDirectory& directory, const CheckpointOptions& options, const Checkpoint* from)
    : directory_(directory), options_(options), newest_(from ? from->state.step : -1) {
  next_ += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
}

bool Checkpoints::due(int64_t step) const {
  if (step == newest_) return false;
  if (options_.every > 0) return step % options_.every == 0;
  return options_.seconds > 0 && Clock::now() >= next_;
}

void Checkpoints::write(layers::Module& model, optim::Optimizer& optimizer, const RunState& state,
                        const Json& identity) {
  const Clock::time_point start = Clock::now();
  write_to(directory_.checkpoint(state.step), model, optimizer, state, identity);
  for (const int64_t step : steps_in(directory_))
    if (std::error_code ignored; step != state.step && step != newest_)
      fs::remove(directory_.checkpoint(step), ignored);
  newest_ = state.step;
  const std::chrono::duration<double> took = Clock::now() - start;
  const std::chrono::duration<double> wait(std::max(options_.seconds, took.count() / kMostOfTheTime));
  next_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
}

void Checkpoints::write_best(layers::Module& model, optim::Optimizer& optimizer, const RunState& state,
                             const Json& identity) {
  write_to(directory_.best(), model, optimizer, state, identity);
}

void Checkpoints::write_to(const std::string& path, layers::Module& model, optim::Optimizer& optimizer,
                           const RunState& state, const Json& identity) {
  try {
    write_checkpoint(path, model, optimizer, state, identity);
  } catch (const Error& error) {
    if (newest_ < 0) throw;
    fail(error.kind(), "{}; the last good checkpoint is {}: go on from there with `fqt train --resume {}`",
         error.what(), directory_.checkpoint(newest_), directory_.path());
  }
}

}  // namespace fqt::trainer
