#include <fmt/format.h>

#include "trainer/config.h"
#include "trainer/files.h"
#include "trainer/toml.h"

namespace fqt::trainer {
namespace {

void collect(const toml::table& table, const std::string& prefix, const std::string& path,
             std::vector<Assignment>& assignments) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* section = node.as_table()) {
      collect(*section, key + ".", path, assignments);
      continue;
    }
    const std::string where = fmt::format("{}:{}: {}", path, name.source().begin.line, key);
    assignments.push_back({key, value_text(node, where), where});
  }
}

}  // namespace

std::vector<Assignment> read_config_file(const std::string& path) {
  return read_config_text(read_text_file(path), path);
}

std::vector<Assignment> read_config_text(const std::string& text, const std::string& source) {
  std::vector<Assignment> assignments;
  collect(parse_toml(text, source, "config"), "", source, assignments);
  return assignments;
}

}  // namespace fqt::trainer
