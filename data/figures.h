#pragma once

#include <span>
#include <string_view>

namespace fqt::data {

/// A plane figure about the origin, of circumradius near 1: a class of the `shapes` data.
struct Figure {
  std::string_view name;
  /// Whether the point lies in the figure; false beyond kFigureReach from the origin. y points down, as in images.
  bool (*contains)(float x, float y);
};

inline constexpr float kFigureReach = 1.25f;

/// The classes in the order of their labels.
std::span<const Figure> figures();

}  // namespace fqt::data
