#include "trainer/config.h"

#include <fmt/format.h>

#include <map>

#include "engine/check.h"
#include "trainer/config_keys.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {

Assignment parse_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  check(equals != std::string::npos && equals > 0, "[config] --set {}: expected key=value, such as train.momentum=0.5",
        text);
  const std::string key = text.substr(0, equals);
  return {key, text.substr(equals + 1), "--set " + key};
}

void apply_layer(Config& config, const std::vector<Assignment>& layer) {
  std::map<std::string, std::string> seen;
  for (const Assignment& assignment : layer) {
    const ConfigKey* key = find_key(assignment.key);
    check(key != nullptr, "[config] {}: there is no key '{}'{}", assignment.where, assignment.key,
          did_you_mean(assignment.key, key_names()));
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
  for (const std::vector<Assignment>& layer : layers)
    for (const Assignment& assignment : layer)
      if (assignment.key == "recipe") set_value(*find_key("recipe"), config, assignment.text, assignment.where);
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
