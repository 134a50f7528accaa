#include "trainer/config.h"

#include <fmt/format.h>

#include <map>

#include "engine/check.h"
#include "trainer/config_keys.h"
#include "trainer/model_defaults.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {

namespace {

/// The key that ends in ".name", where there is one; else the name itself.
std::string whole_key(const std::string& name) {
  if (find_key(name)) return name;
  std::vector<std::string> ending;
  for (const ConfigKey& key : config_keys())
    if (key.name.ends_with("." + name)) ending.emplace_back(key.name);
  check(ending.size() <= 1, "[config] --set {}: this may be {}; give one of them", name, join(ending, " or "));
  return ending.empty() ? name : ending.front();
}

/// Sets the key to what the last layer to name it says.
void set_last(std::string_view key, Config& config, const std::vector<std::vector<Assignment>>& layers) {
  for (const std::vector<Assignment>& layer : layers)
    for (const Assignment& assignment : layer)
      if (assignment.key == key) set_value(*find_key(key), config, assignment.text, assignment.where);
}

}  // namespace

Assignment parse_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  check(equals != std::string::npos && equals > 0, "[config] --set {}: expected key=value, such as train.momentum=0.5",
        text);
  const std::string given = text.substr(0, equals);
  return {whole_key(given), text.substr(equals + 1), "--set " + given};
}

void apply_layer(Config& config, const std::vector<Assignment>& layer) {
  std::map<std::string, std::string> seen;
  for (const Assignment& assignment : layer) {
    const ConfigKey* key = find_key(assignment.key);
    const std::string meant = key == nullptr ? did_you_mean(assignment.key, key_names()) : "";
    check(key != nullptr, "[config] {}: there is no key '{}'{}", assignment.where, assignment.key,
          meant.empty() ? "; `fqt train --help` lists them" : meant);
    const auto [previous, is_new] = seen.emplace(assignment.key, assignment.where);
    check(is_new, "[config] {}: {} is given twice, first as {}; give it once", assignment.where, assignment.key,
          previous->second);
    set_value(*key, config, assignment.text, assignment.where);
  }
  const auto steps = seen.find("train.steps"), epochs = seen.find("train.epochs");
  check(steps == seen.end() || epochs == seen.end(), "[config] {} and {} both say how long to train; give one of them",
        steps == seen.end() ? "" : steps->second, epochs == seen.end() ? "" : epochs->second);
  if (steps != seen.end()) config.train.epochs = 0;
  if (epochs != seen.end()) config.train.steps = 0;
}

Config resolve_config(const std::vector<std::vector<Assignment>>& layers) {
  Config config;
  set_last("model", config, layers);
  set_last("recipe", config, layers);
  if (!config.model.empty()) apply_layer(config, model_layer(config.model));
  apply_layer(config, recipe_layer(config.recipe));
  for (const std::vector<Assignment>& layer : layers) apply_layer(config, layer);
  return config;
}

std::string to_toml(const Config& config) {
  std::string toml, section;
  for (const ConfigKey& key : config_keys()) {
    if (!is_given(key, config) || key.name == "out") continue;  // the file lies in the folder `out` names
    const size_t dot = key.name.find('.');
    const std::string_view here = dot == std::string_view::npos ? "" : key.name.substr(0, dot);
    if (here != section) toml += fmt::format("\n[{}]\n", section = here);
    const std::string_view name = key.name.substr(dot == std::string_view::npos ? 0 : dot + 1);
    toml += fmt::format("{:<32}  # {}\n", fmt::format("{} = {}", name, toml_value(key, config)), key.description);
  }
  return toml;
}

}  // namespace fqt::trainer
