#include <fmt/format.h>
#include <toml++/toml.h>

#include "engine/check.h"
#include "trainer/config.h"
#include "trainer/files.h"

namespace fqt::trainer {
namespace {

/// What a flag would say for the same value, so that files and flags are checked by the same code.
std::string as_text(const toml::node& node, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  const toml::array* list = node.as_array();
  check(list != nullptr, "[config] {}: dates and times are no value of any key", where);
  std::string text;
  for (const toml::node& item : *list) {
    check(item.is_number(), "[config] {}: a list holds numbers", where);
    text += (text.empty() ? "" : ", ") + as_text(item, where);
  }
  return fmt::format("[{}]", text);
}

void collect(const toml::table& table, const std::string& prefix, const std::string& path,
             std::vector<Assignment>& assignments) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* section = node.as_table()) {
      collect(*section, key + ".", path, assignments);
      continue;
    }
    const std::string where = fmt::format("{}:{}: {}", path, name.source().begin.line, key);
    assignments.push_back({key, as_text(node, where), where});
  }
}

}  // namespace

std::vector<Assignment> read_config_file(const std::string& path) {
  return read_config_text(read_text_file(path), path);
}

std::vector<Assignment> read_config_text(const std::string& text, const std::string& source) {
  std::vector<Assignment> assignments;
  try {
    collect(toml::parse(text), "", source, assignments);
  } catch (const toml::parse_error& error) {
    fail(ErrorKind::usage, "[config] {}:{}: this is not TOML: {}", source, error.source().begin.line,
         error.description());
  }
  return assignments;
}

}  // namespace fqt::trainer
