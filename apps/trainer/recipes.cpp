#include "trainer/recipes.h"

#include <fmt/format.h>

#include "engine/check.h"
#include "engine/find.h"
#include "trainer/config_keys.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr BuiltInRecipe kRecipes[] = {
#include "recipes.inc"  // made from recipes/*.toml by embed_toml.cmake
};

bool is_switch(const std::string& key) { return key.starts_with("quant.") || key == "layers.norm"; }

const BuiltInRecipe& find_recipe(std::string_view name) { return find_row(kRecipes, name, "recipe", "recipe"); }

std::vector<Assignment> parse(const BuiltInRecipe& recipe) {
  return read_config_text(std::string(recipe.toml), fmt::format("recipe {}", recipe.name));
}

}  // namespace

std::span<const BuiltInRecipe> built_in_recipes() { return kRecipes; }

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const BuiltInRecipe& recipe : kRecipes) names.emplace_back(recipe.name);
  return names;
}

std::string recipe_description(const BuiltInRecipe& recipe) {
  for (const Assignment& assignment : parse(recipe))
    if (assignment.key == "description") return assignment.text;
  return "";
}

std::vector<Assignment> recipe_layer(std::string_view name) {
  std::vector<Assignment> layer = parse(find_recipe(name));
  std::erase_if(layer, [](const Assignment& assignment) { return assignment.key == "description"; });
  for (const Assignment& assignment : layer)
    check(is_switch(assignment.key), "[recipe] {}: a recipe sets keys of [quant] and layers.norm only",
          assignment.where);
  return layer;
}

std::string describe_recipe(const Config& config) {
  Config plain;
  apply_layer(plain, recipe_layer(config.recipe));
  std::string text = config.recipe;
  for (const ConfigKey& key : config_keys()) {
    const std::string name(key.name);
    if (is_switch(name) && toml_value(key, config) != toml_value(key, plain))
      text += fmt::format(", {}={}", name.substr(name.find('.') + 1), toml_value(key, config));
  }
  std::erase(text, '"');
  return text;
}

}  // namespace fqt::trainer
