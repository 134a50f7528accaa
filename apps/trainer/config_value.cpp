#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/check.h"
#include "trainer/config_keys.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

template <typename... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Match(Cases...) -> Match<Cases...>;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <typename Number>
bool parse_number(std::string_view text, const ConfigKey& key, Number& number) {
  Number read{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (!(static_cast<double>(read) >= key.low && static_cast<double>(read) <= key.high)) return false;
  number = read;
  return true;
}

/// "[0.5, 0.75]" or "0.5, 0.75".
bool parse_list(std::string_view text, const ConfigKey& key, std::vector<double>& list) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<double> read;
  text = trimmed(text);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (!parse_number(trimmed(text.substr(0, comma)), key, read.emplace_back())) return false;
    if (comma + 1 == text.size()) return false;
    text = trimmed(text.substr(std::min(comma + 1, text.size())));
  }
  list = read;
  return true;
}

bool parse_bool(std::string_view text, bool& value) {
  if (text != "true" && text != "false") return false;
  value = text == "true";
  return true;
}

bool parse_text(const std::string& text, const ConfigKey& key, std::string& value) {
  if (key.choices) {
    const std::vector<std::string> known = key.choices();
    if (std::find(known.begin(), known.end(), text) == known.end()) return false;
  }
  if (text.empty()) return false;
  if (key.verify) key.verify(text);
  value = text;
  return true;
}

std::string toml_number(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

}  // namespace

std::string allowed(const ConfigKey& key) {
  if (key.choices) return "one of " + join(key.choices());
  Config any;
  return std::visit(
      Match{[&](std::string*) -> std::string { return "a text"; },
            [&](int64_t*) { return fmt::format("an integer from {:.0f} to {:.0f}", key.low, key.high); },
            [&](double*) { return fmt::format("a number from {} to {}", key.low, key.high); },
            [&](bool*) -> std::string { return "true or false"; },
            [&](std::vector<double>*) { return fmt::format("a list of numbers from {} to {}", key.low, key.high); },
            [&](quant::Rounding*) -> std::string { return "one of " + quant::known_roundings(); }},
      key.field(any));
}

void set_value(const ConfigKey& key, Config& config, const std::string& text, const std::string& where) {
  try {
    const bool fits = std::visit(Match{[&](std::string* field) { return parse_text(text, key, *field); },
                                       [&](int64_t* field) { return parse_number(text, key, *field); },
                                       [&](double* field) { return parse_number(text, key, *field); },
                                       [&](bool* field) { return parse_bool(text, *field); },
                                       [&](std::vector<double>* field) { return parse_list(text, key, *field); },
                                       [&](quant::Rounding* field) {
                                         *field = quant::parse_rounding(text);
                                         return true;
                                       }},
                                 key.field(config));
    check(fits, "[config] {}: '{}' is not allowed; give {}", where, text, allowed(key));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with("[config]")) throw;
    fail(error.kind(), "[config] {}: {}", where, error.what());
  }
}

std::string toml_value(const ConfigKey& key, const Config& config) {
  Config copy = config;
  return std::visit(Match{[](const std::string* value) { return toml_string(*value); },
                          [](const int64_t* value) { return std::to_string(*value); },
                          [](const double* value) { return toml_number(*value); },
                          [](const bool* value) -> std::string { return *value ? "true" : "false"; },
                          [](const std::vector<double>* value) {
                            std::vector<std::string> texts;
                            for (const double item : *value) texts.push_back(toml_number(item));
                            return fmt::format("[{}]", join(texts));
                          },
                          [](const quant::Rounding* value) { return toml_string(quant::rounding_name(*value)); }},
                    key.field(copy));
}

}  // namespace fqt::trainer
