#pragma once

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

/// What a tile needs to know of the left operand for one run of terms.
template <typename Lhs>
struct LhsRun {
  const Lhs* data;
  const int32_t* rows;
  const int32_t* segments;
};

/// The left operand, read where it lies.
template <typename T>
class InPlace {
 public:
  using Lhs = T;

  InPlace(const T* data, const LhsGather& gather) : data_(data), gather_(&gather) {}

  LhsRun<T> run(const std::vector<int32_t>& rows, const TermRun& terms) {
    return {data_ + terms.group * kernels::kGroup<T>, rows.data(), gather_->segments.data() + terms.segment};
  }

 private:
  const T* data_;
  const LhsGather* gather_;
};

/// Levels turned into int16 by `widen`, one run of a block's rows at a time: never more than fits the second-level
/// cache.
template <typename Level>
class Widened {
 public:
  using Lhs = int16_t;
  using WidenFn = void (*)(const Level* levels, int64_t count, int16_t* out);

  Widened(const Level* data, const LhsGather& gather, WidenFn widen) : data_(data), gather_(&gather), widen_(widen) {}

  LhsRun<int16_t> run(const std::vector<int32_t>& rows, const TermRun& terms) {
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
    return {wide_.data(), rows_.data(), segments_.data()};
  }

 private:
  const Level* data_;
  const LhsGather* gather_;
  WidenFn widen_;
  Buffer<int16_t> wide_;
  std::vector<int32_t> rows_, segments_;
};

}  // namespace fqt::gemm
