#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/buffer.h"
#include "engine/gemm/gather.h"
#include "engine/kernels/gemm.h"

namespace fqt::gemm {

/// A run of terms: `groups` groups from the first one of each of `segments` segments.
struct TermRun {
  int64_t segment, segments;
  int64_t group, groups;
};

/// What a tile needs to know of the left operand for one run of terms; see kernels::TileTask.
template <typename Lhs>
struct LhsRun {
  const Lhs* data;
  const int32_t* rows;
  const int32_t* segments;
  int64_t step;
};

// The ways a left operand reaches the tiles. run(rows, terms, tile_rows) prepares a run of terms for the rows of a
// block, which are whole tiles.

/// Read where it lies.
template <typename T>
class InPlace {
 public:
  using Lhs = T;
  static constexpr bool kAcrossRows = false;  ///< reads the rows of a term side by side

  InPlace(const T* data, const LhsGather& gather) : data_(data), gather_(&gather) {}

  LhsRun<T> run(const std::vector<int32_t>& rows, const TermRun& terms, int /*tile_rows*/) {
    return {data_ + terms.group * kernels::kGroup<T>, rows.data(), gather_->segments.data() + terms.segment,
            kernels::kGroup<T>};
  }

 private:
  const T* data_;
  const LhsGather* gather_;
};

/// Levels turned into int16 by `widen`.
template <typename Level>
class Widened {
 public:
  using Lhs = int16_t;
  static constexpr bool kAcrossRows = false;
  using WidenFn = void (*)(const Level* levels, int64_t count, int16_t* out);

  Widened(const Level* data, const LhsGather& gather, WidenFn widen) : data_(data), gather_(&gather), widen_(widen) {}

  LhsRun<int16_t> run(const std::vector<int32_t>& rows, const TermRun& terms, int /*tile_rows*/) {
    constexpr int kStep = kernels::kGroup<int16_t>;
    const int64_t length = terms.groups * kStep, stride = terms.segments * length;
    const int64_t count = static_cast<int64_t>(rows.size());
    if (wide_.size() < count * stride) wide_ = Buffer<int16_t>(count * stride);
    rows_.resize(rows.size());
    segments_.resize(static_cast<size_t>(terms.segments));
    for (size_t s = 0; s < segments_.size(); ++s) segments_[s] = static_cast<int32_t>(static_cast<int64_t>(s) * length);
    for (size_t r = 0; r < rows.size(); ++r) {
      rows_[r] = static_cast<int32_t>(static_cast<int64_t>(r) * stride);
      for (int64_t s = 0; s < terms.segments; ++s) {
        const int64_t segment = gather_->segments[static_cast<size_t>(terms.segment + s)];
        widen_(data_ + rows[r] + segment + terms.group * kStep, length, wide_.data() + rows_[r] + s * length);
      }
    }
    return {wide_.data(), rows_.data(), segments_.data(), kStep};
  }

 private:
  const Level* data_;
  const LhsGather* gather_;
  WidenFn widen_;
  Buffer<int16_t> wide_;
  std::vector<int32_t> rows_, segments_;
};

/// Rows side by side (term_stride > 1), packed tile by tile; `bias` is what `pack` takes off.
template <typename Level, typename T>
class PackedTerms {
 public:
  using Lhs = T;
  static constexpr bool kAcrossRows = true;

  PackedTerms(const Level* data, const LhsGather& gather, kernels::PackFn<Level, T> pack, int bias = 0)
      : data_(data), gather_(&gather), pack_(pack), bias_(static_cast<Level>(bias)) {}

  LhsRun<T> run(const std::vector<int32_t>& rows, const TermRun& terms, int tile_rows) {
    // An odd number of cache lines, one of them to spare: tiles are written side by side, and must not share their
    // sets.
    constexpr int64_t kLine = 64 / sizeof(T);
    const int64_t step = tile_rows * kStep, length = terms.groups * step;
    const int64_t tiles = static_cast<int64_t>(rows.size()) / tile_rows;
    tile_stride_ = (terms.segments * length / (2 * kLine) * 2 + 3) * kLine;
    if (packed_.size() < tiles * tile_stride_) packed_ = Buffer<T>(tiles * tile_stride_);
    rows_.resize(rows.size());
    for (int64_t i = 0; i < tiles * tile_rows; ++i)
      rows_[static_cast<size_t>(i)] = static_cast<int32_t>(i / tile_rows * tile_stride_ + i % tile_rows * kStep);
    segments_.resize(static_cast<size_t>(terms.segments));
    for (int64_t s = 0; s < terms.segments; ++s) {
      segments_[static_cast<size_t>(s)] = static_cast<int32_t>(s * length);
      pack_segment(rows, tile_rows, terms, s, packed_.data() + s * length);
    }
    return {packed_.data(), rows_.data(), segments_.data(), step};
  }

 private:
  static constexpr int kStep = kernels::kGroup<T>;

  void pack_segment(const std::vector<int32_t>& rows, int tile_rows, const TermRun& terms, int64_t s, T* out) const {
    const int64_t first = terms.group * kStep, present = gather_->length - first;
    const int64_t whole = std::min(terms.groups, present / kStep),
                  tiles = static_cast<int64_t>(rows.size()) / tile_rows;
    const Level* from =
        data_ + gather_->segments[static_cast<size_t>(terms.segment + s)] + first * gather_->term_stride;
    for (int64_t t = 0; t < tiles;) {
      const int32_t* tile = rows.data() + t * tile_rows;
      int64_t count = 0;  // tiles of neighbouring rows
      while (t + count < tiles && tile[(count + 1) * tile_rows - 1] - tile[0] == (count + 1) * tile_rows - 1) ++count;
      pack_({from + tile[0], gather_->term_stride, whole, count, out + t * tile_stride_, tile_stride_});
      for (int64_t i = 0; i < count; ++i)
        pack_rest(from, tile + i * tile_rows, tile_rows, whole, terms.groups, present, out + (t + i) * tile_stride_);
      if (count == 0) pack_rest(from, tile, tile_rows, 0, terms.groups, present, out + t * tile_stride_);
      t += std::max<int64_t>(count, 1);
    }
  }

  /// Groups from `whole` to `groups` of a tile, term by term; from the term `present` on they are 0.
  void pack_rest(const Level* from, const int32_t* rows, int tile_rows, int64_t whole, int64_t groups, int64_t present,
                 T* to) const {
    for (int64_t k = whole * kStep; k < groups * kStep; ++k)
      for (int r = 0; r < tile_rows; ++r)
        to[(k / kStep * tile_rows + r) * kStep + k % kStep] =
            k < present ? static_cast<T>(from[rows[r] + k * gather_->term_stride] - bias_) : T{};
  }

  const Level* data_;
  const LhsGather* gather_;
  kernels::PackFn<Level, T> pack_;
  Level bias_;
  int64_t tile_stride_ = 0;
  Buffer<T> packed_;
  std::vector<int32_t> rows_, segments_;
};

}  // namespace fqt::gemm
