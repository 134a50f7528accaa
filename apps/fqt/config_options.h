#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "trainer/config_keys.h"

namespace fqt::program {

/// What the command line says of a configuration: one layer, in the order given.
using Flags = std::shared_ptr<std::vector<trainer::Assignment>>;

/// An option ("--batch", or "model" for one by its place) that assigns a key.
void add_key(CLI::App& app, const Flags& flags, const std::string& option, const trainer::ConfigKey& key,
             const std::string& value_name = "");
/// --set KEY=VALUE, any number of times.
void add_set(CLI::App& app, const Flags& flags);

}  // namespace fqt::program
