#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <variant>
#include <vector>

#include "engine/buffer.h"
#include "engine/gemm/gather.h"

namespace fqt::gemm {

/// The right operand rearranged for the tiles of kernels/gemm.h: panels of 16 columns, in each the groups of every run
/// (RhsGather::joined segments) in order. Columns past the last and what fills up segments and runs are 0.
template <typename T>
struct Panels {
  Buffer<T> data;
  int64_t columns = 0;
  int64_t groups = 0;  ///< a panel, all runs together
  /// Panels for each 16 columns, one behind the other: 1, or 2 where values are split as 256 * first + second.
  int planes = 1;
  /// Sum over the terms of each column, columns rounded up to whole panels. Integers only; int64 as it is exact.
  std::vector<int64_t> column_sums;
  /// How deep each panel can be added up with left levels of at most lhs_max (kernels::DepthFn); empty where nobody
  /// looked.
  std::vector<uint8_t> depths;
  int lhs_max = 0;

  int64_t panel_size() const;
  const T* panel(int64_t index, int plane = 0) const { return data.data() + (index * planes + plane) * panel_size(); }
};

/// Packs float values as they are.
Panels<float> pack_float(const float* source, const RhsGather& gather);

/// Packs levels as differences level - zeros[column], which must fit T (int8_t or int16_t). `zeros`: of every column.
template <typename T, typename Level>
Panels<T> pack_levels(const Level* source, const RhsGather& gather, std::span<const uint16_t> zeros);

/// Looks how deep the panels can be added up with left levels of at most `lhs_max`.
Panels<int8_t> with_depths(Panels<int8_t> panels, int lhs_max);

/// The panels of one right operand, kept for products that read it as one before did. Any thread may ask.
class PanelMemo {
 public:
  /// `planes`, `lhs_max`: of what `make` returns.
  template <typename T, typename Make>
  Panels<T> get(const RhsGather& gather, int planes, int lhs_max, const Make& make) {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_)
      if (const auto* panels = std::get_if<Panels<T>>(&entry.panels))
        if (panels->planes == planes && panels->lhs_max == lhs_max && entry.gather == gather) return *panels;
    return std::get<Panels<T>>(entries_.emplace_back(Entry{gather, make()}).panels);
  }

 private:
  struct Entry {
    RhsGather gather;
    std::variant<Panels<int8_t>, Panels<int16_t>, Panels<float>> panels;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// Packs level - zeros[column] = 256 * high + low, low in 0 .. 255, as two planes.
Panels<int16_t> pack_split(const uint16_t* source, const RhsGather& gather, std::span<const uint16_t> zeros);

}  // namespace fqt::gemm
