#include "apps/json.h"

namespace fqt::test {

nlohmann::json parse_json(const std::string& text) { return nlohmann::json::parse(text); }

}  // namespace fqt::test

doctest::String doctest::StringMaker<nlohmann::json>::convert(const nlohmann::json& json) {
  return json.dump().c_str();
}
