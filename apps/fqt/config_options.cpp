#include "fqt/config_options.h"

namespace fqt::program {

using namespace fqt::trainer;

void add_key(CLI::App& app, const Flags& flags, const std::string& option, const ConfigKey& key,
             const std::string& value_name) {
  const auto assign = [flags, option, name = std::string(key.name)](const std::string& text) {
    flags->push_back({name, text, option.starts_with('-') ? option : name});
  };
  app.add_option_function<std::string>(option, assign, std::string(key.description))->type_name(value_name);
}

void add_set(CLI::App& app, const Flags& flags) {
  const auto set = [flags](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) flags->push_back(parse_assignment(text));
  };
  app.add_option_function<std::vector<std::string>>("--set", set, "one key; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

}  // namespace fqt::program
