#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/check.h"
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
  bool go_on = false, json = false, quiet = false;
};

using Layers = std::vector<std::vector<Assignment>>;

/// What goes over the defaults, or over the configuration of a run to be resumed.
Layers layers_of(const TrainArguments& arguments) {
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

Session begin_run(const Layers& layers) {
  const Config config = resolve_config(layers);
  Experiment experiment = open_experiment(config);
  const RunDirectory directory = RunDirectory::create(config, experiment.data_name());
  return {std::move(experiment), directory, RunLock(directory), std::nullopt};
}

Session resume(const std::string& folder, const Layers& layers, Progress& progress) {
  const RunDirectory directory = RunDirectory::open(folder);
  RunLock lock(directory);
  remove_leftovers(directory.path());
  remove_leftovers(directory.checkpoints());
  Checkpoint from = newest_checkpoint(directory, [&](const std::string& line) { progress.warn(line); });
  ResumedConfig resumed = resumed_config(directory, from, layers);
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

/// What the layers say of `out`, which they no longer do then; empty where they say nothing.
std::string take_out(Layers& layers) {
  std::string out;
  for (std::vector<Assignment>& layer : layers)
    std::erase_if(layer, [&](const Assignment& assignment) {
      if (assignment.key != "out") return false;
      out = assignment.text;
      return true;
    });
  return out;
}

/// Goes on with the run in --out, or begins it where there is none or none that has a checkpoint.
Session go_on(const TrainArguments& arguments, Progress& progress) {
  Layers layers = layers_of(arguments), rest = layers;
  const std::string out = take_out(rest);
  check(!out.empty(), "[train] --continue: say with which run, by its folder, --out DIR");
  const std::optional<RunDirectory> begun = RunDirectory::begun(out);
  if (!begun) return begin_run(layers);
  if (!checkpoint_files(*begun).empty()) return resume(out, rest, progress);
  begun->check_beginning();
  Experiment experiment = open_experiment(resolve_config(layers));
  RunLock lock(*begun);
  begun->begin_again();
  progress.note(fmt::format("the run in {} ended before its first checkpoint: beginning again", out));
  return {std::move(experiment), *begun, std::move(lock), std::nullopt};
}

Session session_of(const TrainArguments& arguments, Progress& progress) {
  if (arguments.go_on) return go_on(arguments, progress);
  const Layers layers = layers_of(arguments);
  return arguments.resume.empty() ? begin_run(layers) : resume(arguments.resume, layers, progress);
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
  Session session = session_of(arguments, progress);
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
  CLI::Option* resume =
      app.add_option("--resume", arguments->resume, "go on with the run in this folder, from its last checkpoint");
  resume->type_name("DIR");
  app.add_flag("--continue", arguments->go_on, "go on with the run in --out DIR where there is one, or begin it")
      ->excludes(resume);
  app.add_flag("--json", arguments->json, "print the result as one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  app.footer(keys_help);
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
