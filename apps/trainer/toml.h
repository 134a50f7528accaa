#pragma once

#include <toml++/toml.h>

#include <string>

namespace fqt::trainer {

/// Error(usage) "[where] source:3: this is not TOML: ..."; `source` stands for the file.
toml::table parse_toml(const std::string& text, const std::string& source, const char* where);

/// What a flag would say for the same value, so that files and flags are checked by the same code. Error(usage)
/// "[config] where: ..." where no key holds such a value.
std::string value_text(const toml::node& node, const std::string& where);

}  // namespace fqt::trainer
