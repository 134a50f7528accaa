#pragma once

#include <cstdint>
#include <span>

#include "data/figures.h"
#include "engine/random.h"

namespace fqt::data {

inline constexpr int kDrawingSide = 32;

/// Draws `figure` into kDrawingSide x kDrawingSide x 3 bytes, HWC: place, angle, colours and disturbances from the
/// streams `scene` (what there is to see) and `noise` (grain), and nothing else.
void draw_image(const Figure& figure, const RandomKey& scene, const RandomKey& noise, std::span<uint8_t> pixels);

}  // namespace fqt::data
