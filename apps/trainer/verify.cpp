#include "trainer/verify.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "trainer/checkpoints.h"
#include "trainer/host.h"
#include "trainer/identity.h"
#include "trainer/log.h"
#include "trainer/manifest.h"
#include "trainer/trainer.h"

namespace fqt::trainer {
namespace {

/// What a run directory says of what was computed.
struct Recorded {
  Json manifest;
  Json identity;                          ///< null where no checkpoint can be read
  std::map<int64_t, StepRecord> steps;    ///< by steps done
  std::map<int64_t, std::string> hashes;  ///< of the weights after so many steps
  bool diverged = false;                  ///< in the step behind the last

  int64_t done() const {
    const int64_t logged = steps.empty() ? 0 : steps.rbegin()->first;
    return std::max(logged, manifest.value("steps_done", int64_t{0}));
  }
  bool knows(int64_t step) const { return steps.contains(step) || hashes.contains(step); }
};

void read_hash(Recorded& recorded, const TensorFile& file) {
  const auto step = file.metadata.find("step"), hash = file.metadata.find("weights_hash");
  if (step == file.metadata.end() || hash == file.metadata.end()) return;
  recorded.hashes[std::strtoll(step->second.c_str(), nullptr, 10)] = hash->second;
}

Recorded read_recorded(const RunDirectory& directory, Progress& progress) {
  Recorded recorded;
  recorded.manifest = read_manifest(directory);
  recorded.diverged = recorded.manifest.value("status", "") == "diverged";
  for (const StepRecord& step : read_steps(directory.log())) recorded.steps[step.step] = step;
  for (const std::string& path : checkpoint_files(directory)) {
    try {
      const Checkpoint checkpoint = read_checkpoint(path);
      read_hash(recorded, checkpoint.file);
      if (recorded.identity.is_null()) recorded.identity = checkpoint.identity;
    } catch (const Error& error) {
      progress.warn(fmt::format("{}; left out", error.what()));
    }
  }
  if (std::error_code error; std::filesystem::exists(directory.weights(), error))
    read_hash(recorded, read_safetensors(directory.weights()));
  if (recorded.manifest.contains("weights_hash") && recorded.manifest.contains("steps_done") && !recorded.diverged)
    recorded.hashes[recorded.manifest["steps_done"]] = recorded.manifest["weights_hash"];
  return recorded;
}

/// What the folder or the data has otherwise than the run on record had.
std::vector<std::string> other_inputs(const Recorded& recorded, const Experiment& experiment) {
  const Json hashes = data_hashes(experiment.data);
  if (!recorded.identity.is_null())
    return identity_differences(run_identity(experiment.config, experiment.bits, hashes, start_hash(experiment.config)),
                                recorded.identity);
  Json had = Json::object();
  const Json data = recorded.manifest.value("data", Json::object());
  for (const auto& [key, value] : hashes.items())
    if (data.contains(key)) had[key] = data[key];
  return changed_keys(hashes, had);
}

/// Program and machine, as far as they are not those of the run on record.
std::vector<std::string> other_surroundings(const Json& manifest) {
  const BuildInfo& build = build_info();
  const std::pair<const char*, std::string_view> here[] = {{"version", build.version},
                                                           {"commit", build.commit},
                                                           {"compiler", build.compiler},
                                                           {"isa", kernels::active().isa}};
  std::vector<std::string> differences;
  for (const auto& [key, value] : here)
    if (const std::string had = manifest.value(key, "unknown"); had != value)
      differences.push_back(fmt::format("{} ({}; the run has {})", key, value, had));
  return differences;
}

/// One run, again.
class Repetition {
 public:
  Repetition(const Recorded& recorded, Experiment& experiment, Verification& result)
      : recorded_(recorded), model_(*experiment.model), trainer_(experiment), result_(result) {}

  /// Until the first difference.
  void run(int64_t steps, Progress& progress, const Interrupt& interrupt) {
    compare_weights();
    while (result_.same() && !result_.diverged && trainer_.done() < steps) {
      if (interrupt.requested())
        fail(ErrorKind::interrupted, "[verify] interrupted after step {} of {}; so far all was the same", result_.steps,
             steps);
      const std::optional<StepRecord> record = step();
      if (!record) break;
      result_.steps = trainer_.done();
      progress.update(trainer_.progress(*record));
      compare(*record);
      if (result_.same()) compare_weights();
    }
    result_.weights_hash = to_hex(layers::weights_hash(model_));
  }

 private:
  bool expects_divergence() const { return recorded_.diverged && trainer_.done() == recorded_.done(); }

  /// Nothing where it diverged.
  std::optional<StepRecord> step() {
    const bool expected = expects_divergence();
    const int64_t next = trainer_.done() + 1;
    try {
      const StepRecord record = trainer_.step(nullptr);
      if (expected) result_.difference = fmt::format("step {} diverged, and does not here", next);
      return record;
    } catch (const Error& error) {
      if (!trainer_.diverged()) throw;
      result_.diverged = expected;
      if (!expected) result_.difference = fmt::format("step {} diverges here: {}", next, error.what());
      return std::nullopt;
    }
  }

  void compare(const StepRecord& here) {
    const auto there = recorded_.steps.find(here.step);
    if (there == recorded_.steps.end() || !result_.same()) return;
    const auto require_same = [&](const char* what, double a, double b) {
      if (a != b && result_.same())
        result_.difference = fmt::format("{} of step {} is {} here, and {} on record", what, here.step, a, b);
    };
    require_same("loss", here.loss, there->second.loss);
    require_same("accuracy", here.accuracy, there->second.accuracy);
    require_same("learning rate", here.learning_rate, there->second.learning_rate);
    result_.losses += result_.same();
  }

  void compare_weights() {
    const auto there = recorded_.hashes.find(trainer_.done());
    if (there == recorded_.hashes.end()) return;
    const std::string hash = to_hex(layers::weights_hash(model_));
    if (hash == there->second)
      result_.weights.push_back(there->first);
    else
      result_.difference = fmt::format("the hash of the weights after step {} is {} here, and {} on record",
                                       there->first, hash, there->second);
  }

  const Recorded& recorded_;
  layers::Module& model_;
  Trainer trainer_;
  Verification& result_;
};

}  // namespace

Verification verify(const RunDirectory& directory, const std::vector<Assignment>& flags, int64_t steps,
                    Progress& progress, const Interrupt& interrupt) {
  const Recorded recorded = read_recorded(directory, progress);
  Config config = recorded_config(directory);
  apply_layer(config, flags);
  Experiment experiment = open_experiment(config);
  progress.note(experiment.summary());

  Verification result;
  result.of = recorded.done();
  check(steps <= result.of, "[verify] --steps {}: the run in {} has done {}", steps, directory.path(), result.of);
  const int64_t last = steps > 0 ? steps : result.of + recorded.diverged;
  const auto knows = [&](int64_t step) { return recorded.knows(step); };
  bool comparable = recorded.diverged;
  for (int64_t step = 1; step <= last && !comparable; ++step) comparable = knows(step);
  check(comparable, "[verify] {} has no loss and no hash of weights of the first {} steps to compare with",
        directory.path(), last);

  if (result.here = other_inputs(recorded, experiment); !result.here.empty()) {
    result.difference = "what is in the folder, or the data, is not what the run was made of; nothing was run";
    return result;
  }
  Repetition(recorded, experiment, result).run(last, progress, interrupt);
  if (!result.same()) result.here = other_surroundings(recorded.manifest);
  return result;
}

}  // namespace fqt::trainer
