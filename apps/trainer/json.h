#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fqt::trainer {

/// Keys stay in the order they were given in.
using Json = nlohmann::ordered_json;

/// On one line, or indented. Bytes that are not UTF-8 (in a path, say) are replaced.
inline std::string to_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fqt::trainer
