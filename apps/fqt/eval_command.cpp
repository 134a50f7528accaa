#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/hash.h"
#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/checkpoints.h"
#include "trainer/config_keys.h"
#include "trainer/evaluate.h"
#include "trainer/figures.h"
#include "trainer/json.h"
#include "trainer/plan_file.h"
#include "trainer/run_directory.h"
#include "trainer/weights.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

struct EvalArguments {
  std::string directory, weights;
  std::vector<Assignment> flags;
  bool json = false, quiet = false;
};

void run(const EvalArguments& arguments) {
  const RunDirectory directory = RunDirectory::open(arguments.directory);
  Config config = finished_config(directory);
  apply_layer(config, arguments.flags);

  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  Experiment experiment = open_experiment(config);
  const int64_t step =
      arguments.weights.empty()
          ? load_last_weights(directory, *experiment.model, [&](const std::string& line) { progress.warn(line); })
          : load_weights(arguments.weights, *experiment.model);
  const Evaluation test = evaluate(experiment, Split::test, progress, interrupt);
  const std::string hash = to_hex(layers::weights_hash(*experiment.model));
  if (arguments.json) {
    Json json{{"model", config.model},
              {"data", experiment.data_name()},
              {"plan", config.plan},
              {"steps", step},
              {"weights_hash", hash}};
    json.update(figures_of(experiment.data, test));
    print(to_text(json) + "\n");
    return;
  }
  print(
      fmt::format("{} on {}, plan {}, after {} steps\n"
                  "{}\n"
                  "weights hash   {}\n",
                  config.model, experiment.data_name(), config.plan, step, describe(experiment.data, test), hash));
}

}  // namespace

Action declare_eval(CLI::App& app) {
  const auto arguments = std::make_shared<EvalArguments>();
  app.add_option("directory", arguments->directory, "run directory, as `fqt train` made it")->required();
  app.add_option("--weights", arguments->weights, "a file of its checkpoints/ instead of the last weights")
      ->type_name("FILE");
  for (const std::string_view name : {"data", "threads", "eval.images"}) {
    const ConfigKey& key = *find_key(name);
    const std::string option = key.flag.empty() ? "--images" : std::string(key.flag);
    const auto assign = [arguments, option, name](const std::string& text) {
      arguments->flags.push_back({std::string(name), text, option});
    };
    app.add_option_function<std::string>(option, assign, std::string(key.description))->type_name("");
  }
  app.add_flag("--json", arguments->json, "print the result as one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
