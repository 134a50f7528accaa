#include <fmt/format.h>

#include <memory>
#include <string>

#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/checkpoints.h"
#include "trainer/config_keys.h"
#include "trainer/experiment.h"
#include "trainer/progress.h"
#include "trainer/run_directory.h"
#include "trainer/weights.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

struct ExportArguments {
  std::string directory, weights, out;
};

void run(const ExportArguments& arguments) {
  const RunDirectory directory = RunDirectory::open(arguments.directory);
  const Config config = finished_config(directory);
  Progress progress(false);
  const Experiment experiment = open_experiment(config);
  const int64_t step =
      arguments.weights.empty()
          ? load_last_weights(directory, *experiment.model, [&](const std::string& line) { progress.warn(line); })
          : load_weights(arguments.weights, *experiment.model);
  export_weights(arguments.out, *experiment.model);
  print(fmt::format("wrote {}: {} after {} steps, under PyTorch's names and layouts\n", arguments.out, config.model,
                    step));
}

}  // namespace

Action declare_export(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  app.add_option("directory", arguments->directory, "run directory, as `fqt train` made it")->required();
  app.add_option("--weights", arguments->weights, "a file of its checkpoints/ instead of the last weights")
      ->type_name("FILE");
  app.add_option("-o,--out", arguments->out, "file to write")->required()->type_name("FILE.safetensors");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
