#pragma once

#include <string>

#include "engine/tensor.h"

namespace fqt::quant {

enum class SiteRole { body, first, head };

/// A place in a model where matrices are multiplied. A layer owns it; precision is looked up by its name.
struct Site {
  explicit Site(std::string name, SiteRole role = SiteRole::body);

  std::string name;  ///< "stage2.block0.conv1"
  uint64_t key;      ///< hash of the name: names this site's random numbers
  SiteRole role;
  /// [low, high] of lhs, a running average over training batches; {0, 0} until the first.
  Tensor lhs_range;
};

}  // namespace fqt::quant
