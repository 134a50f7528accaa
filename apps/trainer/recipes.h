#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/config.h"

namespace fqt::trainer {

/// A way to train on integers, as data: recipes/NAME.toml, built into the program. It sets keys of [quant] and [layers]
/// over their defaults; what it does not name stays.
struct BuiltInRecipe {
  std::string_view name;
  std::string_view toml;
};

/// The recipes of the program, `paper` first.
std::span<const BuiltInRecipe> built_in_recipes();
std::vector<std::string> recipe_names();

/// What a recipe says of itself.
std::string recipe_description(const BuiltInRecipe& recipe);
/// The keys it sets. Error(usage) naming the known recipes where there is none of this name.
std::vector<Assignment> recipe_layer(std::string_view name);

/// The recipe's name, and every switch in which `config` differs from it: "paper, lhs_format=symmetric".
std::string describe_recipe(const Config& config);

}  // namespace fqt::trainer
