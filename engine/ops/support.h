#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/parallel.h"
#include "engine/tensor.h"

// What the operations share; no part of the library's interface.

namespace fqt::ops {

/// Indices a thread should at least take, for a loop that touches `width` values an index.
inline int64_t grain(int64_t width) { return std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(width, 1)); }

/// Rows that are summed together in float32 before chunks are added up in float64, in order: about half a first-level
/// cache. Part of the numbers' definition, not a matter of tuning.
inline int64_t chunk_rows(int64_t columns) { return std::max<int64_t>(32, 4096 / std::max<int64_t>(columns, 1)); }
inline int64_t chunk_count(int64_t rows, int64_t columns) {
  return (rows + chunk_rows(columns) - 1) / chunk_rows(columns);
}

/// Calls body(chunk, first row, end) for every chunk, on all threads.
template <typename Body>
void for_chunks(int64_t rows, int64_t columns, const Body& body) {
  const int64_t height = chunk_rows(columns);
  parallel_for(chunk_count(rows, columns), 4, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) body(chunk, chunk * height, std::min(rows, (chunk + 1) * height));
  });
}

/// Where a gradient of grad's shape may be written: over grad, if nobody else looks at it. What grad has noted is void
/// then.
inline Tensor over(const Tensor& grad) {
  if (!grad.unique()) return Tensor(grad.shape());
  Tensor result = grad;
  result.forget_extremes();
  return result;
}

}  // namespace fqt::ops
