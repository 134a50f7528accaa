#include "trainer/toml.h"

#include <fmt/format.h>

#include "engine/check.h"

namespace fqt::trainer {

toml::table parse_toml(const std::string& text, const std::string& source, const char* where) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    fail(ErrorKind::usage, "[{}] {}:{}: this is not TOML: {}", where, source, error.source().begin.line,
         error.description());
  }
}

std::string value_text(const toml::node& node, const std::string& where) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  const toml::array* list = node.as_array();
  check(list != nullptr, "[config] {}: dates and times are no value of any key", where);
  std::string text;
  for (const toml::node& item : *list) {
    check(item.is_number(), "[config] {}: a list holds numbers", where);
    text += (text.empty() ? "" : ", ") + value_text(item, where);
  }
  return fmt::format("[{}]", text);
}

}  // namespace fqt::trainer
