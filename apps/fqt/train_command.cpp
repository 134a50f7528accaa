#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/hash.h"
#include "fqt/command.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "trainer/checkpoints.h"
#include "trainer/figures.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/json.h"
#include "trainer/memory.h"
#include "trainer/recipes.h"
#include "trainer/resume.h"
#include "trainer/run_lock.h"
#include "trainer/text.h"
#include "trainer/train.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

struct TrainArguments {
  std::string config_file, resume;
  std::vector<Assignment> flags;
  bool json = false, quiet = false;
};

/// What goes over the defaults, or over the configuration of a run to be resumed.
std::vector<std::vector<Assignment>> layers_of(const TrainArguments& arguments) {
  if (arguments.config_file.empty()) return {arguments.flags};
  return {read_config_file(arguments.config_file), arguments.flags};
}

/// A run about to begin, or to go on from a checkpoint.
struct Session {
  Experiment experiment;
  RunDirectory directory;
  RunLock lock;
  std::optional<Resumption> from;
};

Session begin(const TrainArguments& arguments) {
  const Config config = resolve_config(layers_of(arguments));
  Experiment experiment = open_experiment(config);
  const RunDirectory directory = RunDirectory::create(config, experiment.data_name());
  return {std::move(experiment), directory, RunLock(directory), std::nullopt};
}

Session resume(const TrainArguments& arguments, Progress& progress) {
  const RunDirectory directory = RunDirectory::open(arguments.resume);
  RunLock lock(directory);
  remove_leftovers(directory.path());
  remove_leftovers(directory.checkpoints());
  Checkpoint from = newest_checkpoint(directory, [&](const std::string& line) { progress.warn(line); });
  ResumedConfig resumed = resumed_config(directory, from, layers_of(arguments));
  Experiment experiment = open_experiment(resumed.config);
  check_resumable(experiment, from);
  if (const std::string commit = from.identity.value("commit", ""); commit != build_info().commit)
    progress.note(fmt::format("the checkpoint was written by commit {}, this is {}: the same bits are not certain",
                              commit, build_info().commit));
  resumed.recorded.train = experiment.config.train;
  resumed.recorded.data = experiment.config.data;
  const int64_t steps = experiment.config.train.steps;
  progress.note(from.state.step < steps
                    ? fmt::format("going on after step {} of {}, from {}", from.state.step, steps, from.path)
                    : fmt::format("all {} steps are done already; evaluating again", steps));
  return {std::move(experiment), directory, std::move(lock), Resumption{std::move(from), to_toml(resumed.recorded)}};
}

Json to_json(const Experiment& experiment, const RunDirectory& directory, const TrainResult& result) {
  const Config& config = experiment.config;
  Json json{{"model", config.model},
            {"data", experiment.data_name()},
            {"plan", config.plan},
            {"recipe", describe_recipe(config)},
            {"seed", config.seed},
            {"batch", config.train.batch},
            {"steps", result.steps},
            {"epochs", result.epochs},
            {"train_loss", result.train_loss},
            {"seconds", result.seconds},
            {"items_per_second", result.items_per_second},
            {"peak_rss_mb", static_cast<double>(result.memory_peak) / 1e6},
            {"weights_hash", to_hex(result.weights_hash)},
            {"run_directory", directory.path()}};
  json.update(figures_of(experiment.data, result.test));
  return json;
}

std::string to_summary(const Experiment& experiment, const RunDirectory& directory, const TrainResult& result) {
  return fmt::format(
      "train loss     {:.4f}\n"
      "{}\n"
      "time           {:.1f} s of training, {:.0f} {}/s\n"
      "peak memory    {} MB\n"
      "weights hash   {}\n"
      "run directory  {}\n",
      result.train_loss, describe(experiment.data, result.test), result.seconds, result.items_per_second,
      item_name(experiment.data), grouped(result.memory_peak / 1'000'000), to_hex(result.weights_hash),
      directory.path());
}

void run(const TrainArguments& arguments) {
  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  Session session = arguments.resume.empty() ? begin(arguments) : resume(arguments, progress);
  auto& [experiment, directory, lock, from] = session;
  progress.note(experiment.summary());
  const MemoryNeed memory = expected_memory(experiment);
  progress.note("memory: " + describe(memory));
  if (const auto warning = memory_warning(experiment, memory, available_bytes())) progress.warn(*warning);
  const TrainResult result = train(experiment, memory, directory, progress, interrupt, std::move(from));
  print(arguments.json ? to_text(to_json(experiment, directory, result)) + "\n"
                       : to_summary(experiment, directory, result));
}

/// The table of keys, for the end of the help.
std::string keys_help() {
  std::string help = "Keys for --config and --set, with their defaults:\n";
  const Config defaults;
  for (const ConfigKey& key : config_keys())
    help += fmt::format("  {:<22} {:<14} {}; {}\n", key.name, is_given(key, defaults) ? toml_value(key, defaults) : "-",
                        key.description, allowed(key));
  return help;
}

}  // namespace

Action declare_train(CLI::App& app) {
  const auto arguments = std::make_shared<TrainArguments>();
  const Flags flags(arguments, &arguments->flags);
  add_key(app, flags, "model", *find_key("model"), "NAME");
  for (const ConfigKey& key : config_keys())
    if (!key.flag.empty()) add_key(app, flags, std::string(key.flag), key);
  app.add_option("--config", arguments->config_file, "TOML file of keys; flags go over it")->type_name("FILE");
  add_set(app, flags);
  app.add_option("--resume", arguments->resume, "go on with the run in this folder, from its last checkpoint")
      ->type_name("DIR");
  app.add_flag("--json", arguments->json, "print the result as one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  app.footer(keys_help);
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
