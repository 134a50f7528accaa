#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "trainer/config.h"

namespace fqt::trainer {

/// What is sensible for a kind of model besides the defaults of the configuration, so that `fqt train MODEL` alone
/// learns.
struct ModelDefaults {
  std::string_view kind;  ///< models::ModelKind::name
  std::string_view toml;
};

std::span<const ModelDefaults> model_defaults();

/// The keys it sets; none where the kind has no row. Error(usage) where there is no such model.
std::vector<Assignment> model_layer(std::string_view model);

}  // namespace fqt::trainer
