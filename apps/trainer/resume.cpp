#include "trainer/resume.h"

#include <map>

#include "engine/check.h"
#include "trainer/bit_schedule.h"
#include "trainer/host.h"
#include "trainer/identity.h"
#include "trainer/plan_file.h"
#include "trainer/text.h"
#include "trainer/trainer.h"

namespace fqt::trainer {
namespace {

/// The first step, counted from 0, below `done` that another length of the run would have changed; -1: none.
int64_t first_changed(const Experiment& experiment, int64_t other_steps, int64_t done) {
  Config other = experiment.config;
  other.train.steps = other_steps;
  const quant::BitScheduleOptions now = bit_schedule(experiment.config), then = bit_schedule(other);
  for (int64_t step = 0; step < done; ++step)
    if (learning_rate_at(experiment.config.train, step) != learning_rate_at(other.train, step) ||
        quant::scheduled(experiment.bits, now, step) != quant::scheduled(experiment.bits, then, step))
      return step;
  return -1;
}

/// What the identity of a checkpoint has under a key; Error(data) where that is of another type.
template <typename T>
T identity_value(const Checkpoint& checkpoint, const char* key, const T& missing) {
  try {
    return checkpoint.identity.value(key, missing);
  } catch (const Json::exception& error) {
    fail(ErrorKind::data, "[resume] {}: its identity is not what fqt writes: {}", checkpoint.path, error.what());
  }
}

void check_version(const Checkpoint& checkpoint) {
  const std::string version = identity_value<std::string>(checkpoint, "version", "unknown");
  if (version != build_info().version)
    fail(ErrorKind::data,
         "[resume] {} was written by fqt {}, and this is fqt {}: the same bits are not promised; resume with that "
         "version, or start a new run from its weights with --weights {}",
         checkpoint.path, version, build_info().version, checkpoint.path);
}

}  // namespace

ResumedConfig resumed_config(const RunDirectory& directory, const Checkpoint& checkpoint,
                             const std::vector<std::vector<Assignment>>& layers) {
  check_version(checkpoint);
  ResumedConfig resumed;
  Config& config = resumed.config;
  apply_layer(config, read_config_file(directory.config()));
  const std::string plan = config.plan;
  const int64_t threads = config.threads;
  config.threads = fqt::threads();
  for (const std::vector<Assignment>& layer : layers) apply_layer(config, layer);
  check(config.out.empty(), "[resume] --out: a run goes on in its own folder, {}", directory.path());

  const Json recorded = identity_value<std::map<std::string, std::string>>(checkpoint, "config", {});
  const auto changes = changed_keys(deciding_keys(config), recorded);
  check(changes.empty(),
        "[resume] this would change what the run in {} computes: {}; leave it as it was, or start a "
        "new run",
        directory.path(), join(changes));

  resumed.recorded = config;
  resumed.recorded.threads = threads;
  config.weights.clear();
  if (config.plan == plan && is_plan_file(plan)) config.plan = directory.plan();
  return resumed;
}

void check_resumable(const Experiment& experiment, const Checkpoint& checkpoint) {
  check(identity_value<std::string>(checkpoint, "bits", "") == bits_hash(experiment.bits),
        "[resume] the plan {} gives other bits than the run began with; leave --plan out, and plan.toml as it was",
        experiment.config.plan);
  const int64_t now = experiment.config.train.steps, then = identity_value<int64_t>(checkpoint, "steps", 0);
  const int64_t done = checkpoint.state.step;
  if (now == then) return;
  check(now >= done, "[resume] --steps {}: the run has done {} already; give more", now, done);
  const int64_t changed = first_changed(experiment, then, done);
  check(changed < 0,
        "[resume] --steps {}: a run of that length would have had another learning rate (schedule {}) or other bits "
        "(schedule {}) in step {}, which is done; leave it at {}",
        now, experiment.config.train.schedule, experiment.config.bits.schedule, changed + 1, then);
}

void check_same_data(const Checkpoint& checkpoint, const Experiment& experiment) {
  if (identity_value(checkpoint, "data", Json::object()) != data_hashes(experiment.data))
    fail(ErrorKind::data,
         "[resume] the data in {} is not what {} was trained on; its hash is another. Name the right "
         "data with --data",
         experiment.config.data, checkpoint.path);
}

}  // namespace fqt::trainer
