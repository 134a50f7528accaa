#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/tensor.h"

namespace fqt::quant {

enum class SiteRole { body, first, head };

/// The three matrix products of a site.
enum class ProductKind { forward, grad_lhs, grad_rhs };
inline constexpr std::array<std::string_view, 3> kProductNames{"forward", "grad_lhs", "grad_rhs"};

/// A place in a model where matrices are multiplied. A layer owns it; precision is looked up by its name.
struct Site {
  explicit Site(std::string name, SiteRole role = SiteRole::body);

  std::string name;  ///< "stage2.block0.conv1"
  uint64_t key;      ///< hash of the name: names this site's random numbers
  SiteRole role;
  /// [low, high] of lhs, a running average over training batches; {0, 0} until the first.
  Tensor lhs_range;
  /// Additions that left the range of an emulated accumulator since the site was made, by ProductKind.
  std::array<int64_t, 3> overflows{};
};

}  // namespace fqt::quant
