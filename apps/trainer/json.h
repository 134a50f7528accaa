#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fqt::trainer {

/// Keys stay in the order they were given in.
using Json = nlohmann::ordered_json;

// Reading and writing take long to compile, and are compiled once.

/// Throws Json::exception where the text is not JSON.
Json parse_json(std::string_view text);

/// Json::value_t::discarded where the text is not JSON.
Json try_parse_json(std::string_view text);

/// On one line, or indented. Bytes that are not UTF-8 (in a path, say) are replaced.
std::string to_text(const Json& json, int indent = -1);

}  // namespace fqt::trainer
