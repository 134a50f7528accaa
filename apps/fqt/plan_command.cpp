#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/grammar.h"
#include "engine/check.h"
#include "fqt/command.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "trainer/files.h"
#include "trainer/inputs.h"
#include "trainer/plan_file.h"
#include "trainer/plan_view/export.h"
#include "trainer/plan_view/plan_view.h"
#include "trainer/plan_view/svg.h"
#include "trainer/plan_view/text.h"
#include "trainer/terminal.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

constexpr int64_t kSide = 32, kClasses = 10;  ///< of `shapes`, and of CIFAR-10
constexpr int kWidest = 120;                  ///< columns in which a line can still be followed

struct PlanArguments {
  std::vector<Assignment> flags;
  std::vector<std::string> plans;
  std::string image, svg;  ///< empty: not given
  int64_t classes = 0;     ///< 0: not given
  bool json = false, csv = false, toml = false;
};

/// Error(usage) where a picture would go over a plan file.
void check_keeps(const std::string& plan, const std::string& svg) {
  std::error_code missing;
  check(!is_plan_file(plan) || !std::filesystem::equivalent(plan, svg, missing),
        "[plan] --svg {} is a plan file, which the picture would replace; choose another name", svg);
}

/// A configuration for each plan.
std::vector<Config> resolve(const PlanArguments& arguments) {
  std::vector<Config> configs;
  if (arguments.plans.empty()) configs.push_back(resolve_config({arguments.flags}));
  for (const std::string& plan : arguments.plans) {
    std::vector<Assignment> flags = arguments.flags;
    flags.push_back({"plan", plan, "--plan"});
    configs.push_back(resolve_config({flags}));
  }
  check(!configs.front().model.empty(),
        "[plan] no model is named; `fqt info` lists them, as in `fqt plan resnet20 --plan A:C-:4-8`");
  check(!arguments.toml || configs.size() == 1, "[plan] --toml writes the file of one plan; give one --plan");
  for (const Config& config : configs) check_keeps(config.plan, arguments.svg);
  return configs;
}

/// HEIGHTxWIDTHxCHANNELS, as --image gives it.
void read_image(const std::string& text, models::ModelOptions& options) {
  const char *at = text.data(), *end = at + text.size();
  for (int64_t* extent : {&options.height, &options.width, &options.channels}) {
    const auto [rest, error] = std::from_chars(at, end, *extent);
    const bool last = extent == &options.channels;
    check(error == std::errc() && *extent >= 1 && *extent <= 4096 && (last ? rest == end : rest != end && *rest == 'x'),
          "[plan] --image: '{}' is no size; give HEIGHTxWIDTHxCHANNELS, as in 32x32x3", text);
    at = last ? rest : rest + 1;
  }
}

/// What the model is built for: what `fqt train` would run on, or another size by --image and --classes.
models::ModelOptions model_options(const PlanArguments& arguments, const Config& config) {
  if (arguments.image.empty() && arguments.classes == 0) return trainer::model_options(config, open_data(config));
  const bool data = std::ranges::find(arguments.flags, "data", &Assignment::key) != arguments.flags.end();
  check(!data, "[plan] {} and --data both say what the model is built for; give one of them",
        arguments.image.empty() ? "--classes" : "--image");
  models::ModelOptions options = trainer::model_options(config);
  const bool text = models::find_model_kind(config.model).input == models::ModelInput::tokens;
  check(!text || arguments.image.empty(),
        "[plan] --image: {} reads text; give the words of its vocabulary with --classes", config.model);
  options.classes = arguments.classes > 0 ? arguments.classes : text ? data::kGrammarWords : kClasses;
  options.height = options.width = drawn_side(config) > 0 ? drawn_side(config) : kSide;
  if (!arguments.image.empty()) read_image(arguments.image, options);
  return options;
}

/// "32x32x3 pixels and 10 classes"
std::string describe_input(const models::ModelOptions& options, const std::string& model) {
  if (models::find_model_kind(model).input == models::ModelInput::tokens)
    return fmt::format("{} tokens a row of a vocabulary of {}", options.sequence, options.classes);
  return fmt::format("{}x{}x{} pixels and {} classes", options.height, options.width, options.channels,
                     options.classes);
}

TextStyle style() {
  const int width = terminal_width(STDOUT_FILENO);
  return {static_cast<size_t>(std::min(width, kWidest)), wants_color(STDOUT_FILENO)};
}

std::string to_output(const PlanArguments& arguments, const std::vector<Config>& configs, const PlanView& view,
                      const std::string& built_for) {
  if (arguments.json) return to_text(plan_json(view)) + "\n";
  if (arguments.csv) return plan_csv(view);
  if (arguments.toml) return plan_toml(configs.front(), view.plans.front().bits, view.sites);
  return plan_text(view, style()) + fmt::format("\nbuilt for {}\n", built_for) +
         (arguments.svg.empty() ? "" : fmt::format("wrote {}\n", arguments.svg));
}

void run(const PlanArguments& arguments) {
  const std::vector<Config> configs = resolve(arguments);
  const models::ModelOptions options = model_options(arguments, configs.front());
  const PlanView view = view_plans(configs, options);
  if (!arguments.svg.empty()) write_text_file(arguments.svg, plan_svg(view));
  print(to_output(arguments, configs, view, describe_input(options, view.model)));
}

}  // namespace

Action declare_plan(CLI::App& app) {
  const auto arguments = std::make_shared<PlanArguments>();
  const Flags flags(arguments, &arguments->flags);
  add_key(app, flags, "model", *find_key("model"), "NAME");
  app.add_option("--plan", arguments->plans, std::string(find_key("plan")->description) + "; may be repeated")
      ->type_name("PLAN")
      ->expected(1)
      ->take_all();
  for (const char* key : {"data", "recipe", "train.batch", "seed"})
    add_key(app, flags, std::string(find_key(key)->flag), *find_key(key));
  add_set(app, flags);
  app.add_option("--image", arguments->image,
                 fmt::format("build the model for this size; left out, for its data ({0}x{0}x3 for `shapes`)", kSide))
      ->type_name("HxWxC");
  app.add_option(
         "--classes", arguments->classes,
         fmt::format(
             "build the model for so many classes ({}), or words of the vocabulary ({}); left out, those of its data",
             kClasses, data::kGrammarWords))
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->type_name("");
  CLI::Option* json = app.add_flag("--json", arguments->json, "print one JSON object");
  CLI::Option* csv = app.add_flag("--csv", arguments->csv, "print a row for each layer and plan");
  CLI::Option* toml = app.add_flag("--toml", arguments->toml, "print a plan file, for `fqt train --plan FILE.toml`");
  json->excludes(csv)->excludes(toml);
  csv->excludes(toml);
  app.add_option("--svg", arguments->svg, "draw the plans, too")->type_name("FILE.svg");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
