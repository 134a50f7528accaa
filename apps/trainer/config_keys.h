#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trainer/config.h"

namespace fqt::trainer {

/// The member of a configuration that a key stands for; its type is the key's type.
using Field = std::variant<std::string*, int64_t*, double*, bool*, std::vector<double>*, quant::Rounding*>;

/// One key: a row of the table that reading files, --set, flags, help and writing config.toml all come from.
struct ConfigKey {
  std::string_view name;  ///< "train.batch": key `batch` of section [train]
  std::string_view flag;  ///< "--batch", or empty
  std::string_view description;
  Field (*field)(Config& config);
  double low = 0, high = 0;                           ///< numbers: the smallest and largest allowed, both included
  std::vector<std::string> (*choices)() = nullptr;    ///< texts: what is allowed, where that is a list
  void (*verify)(const std::string& text) = nullptr;  ///< texts: throws Error(usage) for what is not allowed
};

std::span<const ConfigKey> config_keys();
/// Null where there is none.
const ConfigKey* find_key(std::string_view name);
std::vector<std::string> key_names();

/// Whether the key holds anything: a length, a model and a run directory may be left open.
bool is_given(const ConfigKey& key, const Config& config);

/// "an integer from 1 to 65536", "one of constant, step, cosine"
std::string allowed(const ConfigKey& key);

/// Reads `text` into the key's field. Error(usage) "[config] where: ..." where it is not allowed.
void set_value(const ConfigKey& key, Config& config, const std::string& text, const std::string& where);

/// The field's value in TOML: 128, 0.1, true, "shapes", [0.5, 0.75].
std::string toml_value(const ConfigKey& key, const Config& config);

}  // namespace fqt::trainer
