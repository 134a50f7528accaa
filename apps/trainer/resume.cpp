#include "trainer/resume.h"

#include <algorithm>
#include <map>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/bit_schedule.h"
#include "trainer/config_keys.h"
#include "trainer/host.h"
#include "trainer/plan_file.h"
#include "trainer/text.h"
#include "trainer/trainer.h"

namespace fqt::trainer {
namespace {

/// Keys that may differ: they change no result, or have a check of their own (steps, the plan's bits, the data's
/// hashes, and the weights to start from, which are behind a run that has begun).
constexpr std::string_view kFree[] = {
    "threads",     "out",         "weights", "data", "plan", "checkpoint.every", "checkpoint.seconds",
    "train.steps", "train.epochs"};

bool is_free(std::string_view key) { return std::ranges::find(kFree, key) != std::end(kFree); }

Json deciding_keys(const Config& config) {
  Json keys = Json::object();
  for (const ConfigKey& key : config_keys())
    if (!is_free(key.name) && is_given(key, config)) keys[std::string(key.name)] = toml_value(key, config);
  return keys;
}

std::string bits_hash(const quant::BitTable& bits) {
  uint64_t hash = 0;
  for (const quant::SiteBits& site : bits) {
    std::string text = site.site + (site.is_float ? " float" : "");
    if (!site.is_float)
      for (const quant::ProductBits& product : site.products) text += fmt::format(" {}x{}", product.lhs, product.rhs);
    hash = hash_text(text, hash);
  }
  return to_hex(hash);
}

Json hashes_of(const Json& data) {
  Json hashes = Json::object();
  for (const auto& [key, value] : data.items())
    if (key.ends_with("_hash")) hashes[key] = value;
  return hashes;
}

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

Json run_identity(const Experiment& experiment, const Json& data) {
  return {{"version", build_info().version},        {"commit", build_info().commit},
          {"steps", experiment.config.train.steps}, {"config", deciding_keys(experiment.config)},
          {"bits", bits_hash(experiment.bits)},     {"data", hashes_of(data)}};
}

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

  const Json now = deciding_keys(config);
  const auto then = identity_value<std::map<std::string, std::string>>(checkpoint, "config", {});
  std::vector<std::string> changed;
  for (const auto& [key, value] : now.items()) {
    const auto found = then.find(key);
    const std::string had = found == then.end() ? "nothing" : found->second;
    if (had != value) changed.push_back(fmt::format("{} ({}; the run has {})", key, value.get<std::string>(), had));
  }
  check(changed.empty(),
        "[resume] this would change what the run in {} computes: {}; leave it as it was, or start a "
        "new run",
        directory.path(), join(changed));

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

void check_same_data(const Checkpoint& checkpoint, const Experiment& experiment, const Json& data) {
  if (identity_value(checkpoint, "data", Json::object()) != hashes_of(data))
    fail(ErrorKind::data,
         "[resume] the data in {} is not what {} was trained on; its hash is another. Name the right "
         "data with --data",
         experiment.config.data, checkpoint.path);
}

}  // namespace fqt::trainer
