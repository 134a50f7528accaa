#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/check.h"
#include "fqt/command.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "trainer/explain/explain.h"
#include "trainer/interrupt.h"
#include "trainer/progress.h"
#include "trainer/terminal.h"
#include "trainer/trainer.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

constexpr int64_t kMostSteps = int64_t{1} << 40;

struct ExplainArguments {
  std::string site;
  std::vector<Assignment> flags;
  int64_t steps = 0;
  bool json = false, quiet = false;
};

void explain_products(const ExplainArguments& arguments, const Experiment& experiment) {
  print(arguments.json ? to_text(model_json(experiment)) + "\n"
                       : explain_model(experiment, wants_color(STDOUT_FILENO)));
}

/// Trains up to the step to look at.
void train(const ExplainArguments& arguments, const Experiment& experiment, const Interrupt& interrupt,
           Trainer& trainer) {
  Progress progress(arguments.quiet);
  if (arguments.steps > 0) progress.note(experiment.summary());
  while (trainer.done() < arguments.steps) {
    const StepRecord record = trainer.step(nullptr);
    progress.update(trainer.progress(record));
    interrupt.check("explain");
  }
}

/// What trains first belongs to a run of that length and one more step, unless it is said how long the run is.
Config resolve(const ExplainArguments& arguments) {
  check(arguments.steps == 0 || !arguments.site.empty(),
        "[explain] --steps trains before one layer is walked through; name the layer, as in `fqt explain resnet20 "
        "stem.conv --steps {}`",
        arguments.steps);
  Config config = resolve_config({arguments.flags});
  if (arguments.steps > 0 && config.train.steps == 0 && config.train.epochs == 0)
    config.train.steps = arguments.steps + 1;
  return config;
}

void run(const ExplainArguments& arguments) {
  const Interrupt interrupt;
  Experiment experiment = open_experiment(resolve(arguments));
  if (arguments.site.empty()) return explain_products(arguments, experiment);
  const int64_t length = experiment.config.train.steps;
  check(arguments.steps < length,
        "[explain] --steps {}: the step after them is none of a run of {}; give fewer, or a longer run with --set "
        "train.steps={}",
        arguments.steps, length, arguments.steps + 1);
  const quant::SiteShape& site = find_site(experiment, arguments.site);
  Trainer trainer(experiment);
  train(arguments, experiment, interrupt, trainer);
  const SiteWalk walk = walk_site(trainer, experiment, site);
  print(arguments.json ? to_text(site_json(experiment, walk)) + "\n"
                       : explain_site(experiment, walk, wants_color(STDOUT_FILENO)));
}

}  // namespace

Action declare_explain(CLI::App& app) {
  const auto arguments = std::make_shared<ExplainArguments>();
  const Flags flags(arguments, &arguments->flags);
  add_key(app, flags, "model", *find_key("model"), "NAME");
  app.add_option("site", arguments->site, "a layer to walk through; left out, all products are listed")
      ->type_name("SITE");
  for (const char* key : {"data", "plan", "recipe", "seed", "threads", "train.batch"})
    add_key(app, flags, std::string(find_key(key)->flag), *find_key(key));
  app.add_option("--steps", arguments->steps, "train this many steps first")
      ->check(CLI::Range(int64_t{1}, kMostSteps).description(""))
      ->type_name("N");
  add_set(app, flags);
  app.add_flag("--json", arguments->json, "print the same facts as one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
