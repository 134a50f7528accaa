#pragma once

#include <cstdint>
#include <span>

#include "data/figures.h"
#include "engine/random.h"

namespace fqt::data {

/// Draws `figure` into side x side x 3 bytes, HWC: place, angle, colours and disturbances from the streams `scene`
/// (what there is to see) and `noise` (grain), and nothing else. The scene is the same at every side, the grain is not.
void draw_image(const Figure& figure, const RandomKey& scene, const RandomKey& noise, int side,
                std::span<uint8_t> pixels);

}  // namespace fqt::data
