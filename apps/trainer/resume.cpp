#include "trainer/resume.h"

#include <algorithm>

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

/// What one object of texts has otherwise than another.
std::vector<std::string> changed(const Json& here, const Json& recorded, const std::string& prefix = "") {
  std::vector<std::string> changes;
  const auto text = [](const Json& json, const std::string& key) {
    const Json value = json.value(key, Json("nothing"));
    return value.is_string() ? value.get<std::string>() : to_text(value);
  };
  Json keys = recorded;
  keys.update(here);
  for (const auto& [key, value] : keys.items())
    if (text(here, key) != text(recorded, key))
      changes.push_back(fmt::format("{}{} ({}; the run has {})", prefix, key, text(here, key), text(recorded, key)));
  return changes;
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

void check_version(const Checkpoint& checkpoint) {
  const std::string version = checkpoint.identity.value("version", "unknown");
  if (version != build_info().version)
    fail(ErrorKind::data,
         "[resume] {} was written by fqt {}, and this is fqt {}: the same bits are not promised; resume with that "
         "version, or start a new run from its weights with --weights {}",
         checkpoint.path, version, build_info().version, checkpoint.path);
}

}  // namespace

Json run_identity(const Experiment& experiment, const Json& data) {
  return {{"version", build_info().version},
          {"commit", build_info().commit},
          {"steps", experiment.config.train.steps},
          {"config", deciding_keys(experiment.config)},
          {"bits", bits_hash(experiment.bits)},
          {"data", hashes_of(data)},
          {"start", to_hex(layers::weights_hash(*experiment.model))}};
}

std::vector<std::string> identity_differences(const Json& here, const Json& recorded) {
  std::vector<std::string> differences;
  const auto add = [&](const std::vector<std::string>& more) {
    differences.insert(differences.end(), more.begin(), more.end());
  };
  const auto objects = [](const Json& identity, const char* key) { return identity.value(key, Json::object()); };
  add(changed(objects(here, "config"), objects(recorded, "config")));
  add(changed(objects(here, "data"), objects(recorded, "data"), "data: "));
  // Earlier checkpoints of this version do not say where a run started.
  for (const auto& [key, name] : {std::pair("steps", "train.steps"),
                                  {"bits", "hash of the bits"},
                                  {"start", "hash of the weights it starts from"}})
    if (recorded.contains(key)) add(changed({{name, here[key]}}, {{name, recorded[key]}}));
  return differences;
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

  const auto changes = changed(deciding_keys(config), checkpoint.identity.value("config", Json::object()));
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
  check(checkpoint.identity.value("bits", "") == bits_hash(experiment.bits),
        "[resume] the plan {} gives other bits than the run began with; leave --plan out, and plan.toml as it was",
        experiment.config.plan);
  const int64_t now = experiment.config.train.steps, then = checkpoint.identity.value("steps", int64_t{0});
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
  if (checkpoint.identity.value("data", Json::object()) != hashes_of(data))
    fail(ErrorKind::data,
         "[resume] the data in {} is not what {} was trained on; its hash is another. Name the right "
         "data with --data",
         experiment.config.data, checkpoint.path);
}

}  // namespace fqt::trainer
