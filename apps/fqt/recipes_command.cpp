#include <fmt/format.h>

#include <memory>
#include <string>

#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/json.h"
#include "trainer/recipes.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

void print_json() {
  Json list = Json::array();
  for (const BuiltInRecipe& recipe : built_in_recipes()) {
    Json switches = Json::object();
    for (const Assignment& assignment : recipe_layer(recipe.name)) switches[assignment.key] = assignment.text;
    list.push_back({{"name", recipe.name}, {"description", recipe_description(recipe)}, {"switches", switches}});
  }
  print(to_text({{"recipes", list}}) + "\n");
}

void print_text() {
  std::string text;
  for (const BuiltInRecipe& recipe : built_in_recipes()) {
    text += fmt::format("{:<12} {}\n", recipe.name, recipe_description(recipe));
    for (const Assignment& assignment : recipe_layer(recipe.name))
      text += fmt::format("{:<12} {:<24} = {}\n", "", assignment.key, assignment.text);
  }
  print(text + "What a recipe does not name is as `fqt train --help` gives it. --set changes any switch.\n");
}

}  // namespace

Action declare_recipes(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "print the recipes as one JSON object");
  return [json] { *json ? print_json() : print_text(); };
}

}  // namespace fqt::program
