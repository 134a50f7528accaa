#pragma once

#include <cstdint>

#include "engine/buffer.h"
#include "engine/gemm/gather.h"

namespace fqt::gemm {

/// The right operand rearranged for the tiles of kernels/gemm.h: panels of 16 columns, in each the groups of every
/// segment in order. Columns past the last and terms past a segment's length are 0.
template <typename T>
struct Panels {
  Buffer<T> data;
  int64_t columns = 0;
  int64_t groups = 0;  ///< a panel, all segments together
  /// Sum over the terms of each column, columns rounded up to whole panels. Integers only; int64 as it is exact.
  std::vector<int64_t> column_sums;

  int64_t panel_size() const;
  const T* panel(int64_t index) const { return data.data() + index * panel_size(); }
};

/// Packs float values as they are.
Panels<float> pack_float(const float* source, const RhsGather& gather);

/// Packs levels as differences level - zero, which must fit T (int8_t or int16_t).
template <typename T>
Panels<T> pack_levels(const uint8_t* source, const RhsGather& gather, int zero);

}  // namespace fqt::gemm
