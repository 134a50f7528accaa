#pragma once

#include <cstdint>

#include "engine/gemm/gather.h"

namespace fqt::gemm {

/// Rearranges a padded image, borders included, into its planar form; `planar.size()` elements are written.
/// Elements past a row's end (where the padded width does not divide by the stride) are 0.
void to_planar(const PlanarImage& planar, const uint8_t* source, uint8_t* target);
void to_planar(const PlanarImage& planar, const uint16_t* source, uint16_t* target);
void to_planar(const PlanarImage& planar, const float* source, float* target);

}  // namespace fqt::gemm
