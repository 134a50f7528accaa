#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

// What takes long to compile of nlohmann_json, compiled once for all tests.

namespace fqt::test {

/// As nlohmann::json::parse.
nlohmann::json parse_json(const std::string& text);

}  // namespace fqt::test

template <>
struct doctest::StringMaker<nlohmann::json> {
  static String convert(const nlohmann::json& json);
};
