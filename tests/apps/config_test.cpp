#include "trainer/config.h"

#include <doctest/doctest.h>

#include "apps/process.h"
#include "engine/check.h"
#include "trainer/config_keys.h"
#include "trainer/recipes.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

Config from_file(const std::string& toml) {
  const TemporaryFolder folder;
  write(folder / "run.toml", toml);
  Config config;
  apply_layer(config, read_config_file(folder / "run.toml"));
  return config;
}

/// The message of the Error(usage) a file or an assignment gives; its folder is cut off.
std::string file_error(const std::string& toml) {
  try {
    from_file(toml);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    const std::string message = error.what();
    return message.substr(std::min(message.find("run.toml"), message.size()));
  }
  return "no error";
}

std::string set_error(const std::string& text) {
  try {
    Config config;
    apply_layer(config, {parse_assignment(text)});
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("config: a file goes over defaults, and flags over the file") {
  Config config = from_file("seed = 3\n[train]\nbatch = 64\nmomentum = 0.5\n");
  CHECK(config.seed == 3);
  CHECK(config.train.batch == 64);
  CHECK(config.train.learning_rate == 0.1);
  apply_layer(config, {{"train.batch", "32", "--batch"}, parse_assignment("train.milestones=[0.25, 1]")});
  CHECK(config.train.batch == 32);
  CHECK(config.train.momentum == 0.5);
  CHECK(config.train.milestones == std::vector{0.25, 1.0});
}

TEST_CASE("config: every type of value is read from TOML") {
  const Config config = from_file(
      "model = 'resnet20'\n[train]\nlearning_rate = 1\nmilestones = [0.5, 1]\n[quant]\nquantize_head = true\n"
      "grad_rounding = 'nearest'\nlhs_format = 'symmetric'\n");
  CHECK(config.model == "resnet20");
  CHECK(config.train.learning_rate == 1.0);
  CHECK(config.train.milestones == std::vector{0.5, 1.0});
  CHECK(config.quant.quantize_head);
  CHECK(config.quant.grad.rounding == quant::Rounding::nearest);
  CHECK(config.quant.lhs.format == "symmetric");
  CHECK(describe_recipe(config) == "paper, lhs_format=symmetric, grad_rounding=nearest, quantize_head=true");
  CHECK(describe_recipe({}) == "paper");
}

TEST_CASE("config: a recipe goes over the defaults and under everything else, wherever it is named") {
  const auto resolved = [](const std::string& toml, const std::vector<Assignment>& flags) {
    return resolve_config({read_config_text(toml, "run.toml"), flags});
  };
  const Config cpt = resolved("[quant]\ngrad_bits = 5\n", {{"recipe", "cpt", "--recipe"}});
  CHECK(cpt.quant.rhs_per_channel);
  CHECK(cpt.quant.grad_bits == 5);
  CHECK(describe_recipe(cpt) == "cpt, grad_bits=5");
  const Config flag_wins = resolved("recipe = 'cpt'\n", {{"recipe", "banner2018", "--recipe"}});
  CHECK(flag_wins.recipe == "banner2018");
  CHECK_FALSE(flag_wins.quant.rhs_per_channel);
  CHECK(flag_wins.layers.norm == "range");
  CHECK(flag_wins.quant.lhs.range == "sample_mean");
  const Config again = resolved(to_toml(flag_wins), {});  // a run's config.toml
  for (const ConfigKey& key : config_keys()) CHECK(toml_value(key, again) == toml_value(key, flag_wins));
  CHECK(contains(set_error("recipe=papr"), "one of paper, banner2018, cpt"));
}

TEST_CASE("config: every recipe that is built in says what it is, sets switches only, and can be planned") {
  for (const BuiltInRecipe& recipe : built_in_recipes()) {
    const std::string name(recipe.name);
    CAPTURE(name);
    CHECK_FALSE(recipe_description(recipe).empty());
    Config config;
    CHECK_NOTHROW(apply_layer(config, recipe_layer(recipe.name)));
    for (const int bits : {2, 8, 16}) CHECK_NOTHROW(config.quant.precision(bits));
  }
  CHECK(recipe_layer("paper").empty());
  CHECK_THROWS_AS(recipe_layer("none"), Error);
}

TEST_CASE("config: a model brings its own defaults, which recipe, file and flags go over") {
  const Assignment lstm{"model", "lstm_lm", ""};
  const Config config = resolve_config({{lstm}});
  CHECK(config.data == "grammar");
  CHECK(config.train.clip == 0.25);
  CHECK(config.layers.hidden == 650);
  const Config file = resolve_config({{lstm, {"layers.hidden", "300", "a.toml:1"}}, {{"data", "shapes", "--data"}}});
  CHECK(file.layers.hidden == 300);
  CHECK(file.data == "shapes");
  CHECK(file.train.clip == 0.25);
  CHECK(resolve_config({{lstm}, {{"model", "resnet20", ""}}}).data == "shapes");
  CHECK(describe_recipe(config) == "paper");  // what a model is like is no switch of a recipe
}

TEST_CASE("config: --set takes the last part of a key where no other key ends so") {
  CHECK(parse_assignment("hidden=200").key == "layers.hidden");
  CHECK(parse_assignment("grad_bits=8").key == "quant.grad_bits");
  CHECK(parse_assignment("data=shapes").key == "data");
  CHECK(parse_assignment("nothing=1").key == "nothing");
  CHECK(set_error("schedule=step") ==
        "[config] --set schedule: this may be train.schedule or bits.schedule; give one of them");
}

TEST_CASE("config: the length is given in steps or in epochs, and the later layer wins") {
  Config config = from_file("[train]\nsteps = 10\n");
  apply_layer(config, {{"train.epochs", "2", "--epochs"}});
  CHECK(config.train.steps == 0);
  CHECK(config.train.epochs == 2);
  CHECK_THROWS_WITH_AS(apply_layer(config, {{"train.epochs", "2", "--epochs"}, {"train.steps", "9", "--steps"}}),
                       "[config] --steps and --epochs both say how long to train; give one of them", Error);
}

TEST_CASE("config: an unknown key is an error with its line and the nearest known one") {
  CHECK(file_error("seed = 1\n[train]\nbatch = 1\nmomentun = 0.9\n") ==
        "run.toml:4: train.momentun: there is no key 'train.momentun'; did you mean 'train.momentum'?");
  CHECK(file_error("batch = 1\n") == "run.toml:1: batch: there is no key 'batch'; did you mean 'train.batch'?");
  CHECK(set_error("colour=red") == "[config] --set colour: there is no key 'colour'; `fqt train --help` lists them");
}

TEST_CASE("config: a bad value names its key, its line and what is allowed") {
  CHECK(file_error("\n\n[train]\nbatch = 0\n") ==
        "run.toml:4: train.batch: '0' is not allowed; give an integer from 1 to 65536");
  CHECK(file_error("[train]\nbatch = 1.5\n") ==
        "run.toml:2: train.batch: '1.5' is not allowed; give an integer from 1 to 65536");
  CHECK(file_error("[quant]\nquantize_first = 1\n") ==
        "run.toml:2: quant.quantize_first: '1' is not allowed; give true or false");
  CHECK(file_error("[train]\nlearning_rate = nan\n") ==
        "run.toml:2: train.learning_rate: 'nan' is not allowed; give a number from 0 to 1000000");
  CHECK(file_error("[train]\nmilestones = [0.5, 2]\n") ==
        "run.toml:2: train.milestones: '[0.5, 2]' is not allowed; give a list of numbers from 0 to 1");
  CHECK(contains(file_error("[train]\nschedule = 'stairs'\n"), "one of "));
  CHECK(contains(file_error("[quant]\nlhs_format = 'fp32'\n"), "one of "));
  CHECK(contains(file_error("[quant]\nlhs_rounding = 'up'\n"), "run.toml:2: quant.lhs_rounding: "));
  CHECK(contains(file_error("plan = 'U:99'\n"), "run.toml:1: plan: "));
  CHECK(contains(file_error("model = 'vgg'\n"), "run.toml:1: model: "));
  CHECK(contains(file_error("data = ''\n"), "run.toml:1: data: "));
  CHECK(contains(file_error("seed = 1979-05-27\n"), "run.toml:1: seed: "));
}

TEST_CASE("config: numbers on the edge of what is allowed") {
  CHECK(set_error("train.batch=65536") == "no error");
  CHECK(contains(set_error("train.batch=65537"), "from 1 to 65536"));
  CHECK(contains(set_error("train.batch=99999999999999999999"), "from 1 to 65536"));
  CHECK(contains(set_error("threads=0"), "from 1 to 1024"));
  CHECK(contains(set_error("seed=-1"), "from 0 to 9007199254740992"));
  CHECK(set_error("train.milestones=") == "no error");  // a rate that never falls
  CHECK(contains(set_error("train.milestones=0.5,"), "a list of numbers"));
  CHECK(contains(set_error("train.steps=0"), "an integer from 1"));
  CHECK(contains(set_error("train.batch"), "expected key=value"));
  CHECK(contains(set_error("=1"), "expected key=value"));
}

TEST_CASE("config: a key given twice in one place is an error") {
  Config config;
  CHECK_THROWS_WITH_AS(apply_layer(config, {{"train.batch", "1", "--batch"}, parse_assignment("train.batch=2")}),
                       "[config] --set train.batch: train.batch is given twice, first as --batch; give it once", Error);
}

TEST_CASE("config: what is not TOML is an error with its line") {
  CHECK(contains(file_error("seed = 1\nbatch =\n"), "run.toml:2: this is not TOML: "));
  CHECK(contains(file_error("a = 1\na = 2\n"), "run.toml:2: this is not TOML: "));
  CHECK_THROWS_AS(read_config_file("/no/such/file.toml"), Error);
}

TEST_CASE("config: a resolved configuration reads back as it was") {
  Config config;
  apply_layer(config, {{"model", "resnet20", ""},
                       {"data", "odd \"name\" \\ with\ttab", ""},
                       {"plan", "fp32", ""},
                       {"threads", "3", ""},
                       {"out", "elsewhere", ""},
                       {"train.epochs", "7", ""},
                       {"train.learning_rate", "0.30000000000000004", ""},
                       {"train.milestones", "0.1,1", ""},
                       {"quant.rhs_rounding", "stochastic", ""}});
  const Config again = from_file(to_toml(config));
  for (const ConfigKey& key : config_keys())
    if (key.name != "out") CHECK(toml_value(key, again) == toml_value(key, config));
  CHECK(again.out.empty());  // the folder the file lies in
  CHECK(again.train.learning_rate == 0.30000000000000004);
}

TEST_CASE("config: the defaults of every key are allowed") {
  const Config defaults;
  for (const ConfigKey& key : config_keys()) {
    if (!is_given(key, defaults)) continue;
    std::string text = toml_value(key, defaults);
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    Config config;
    CAPTURE(key.name);
    CHECK_NOTHROW(set_value(key, config, text, "default"));
    CHECK(toml_value(key, config) == toml_value(key, defaults));
  }
}
