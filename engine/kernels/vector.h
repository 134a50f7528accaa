#pragma once

#include <cstdint>

#include "engine/math.h"  // for vector.inl, which is included inside a namespace

namespace fqt::kernels {

/// x and y [rows, channels]: y = x * scale + shift, + residual where there is one, then max(y, 0) where `relu`.
struct Normalize {
  const float* x;
  const float* scale;     ///< [channels]
  const float* shift;     ///< [channels]
  const float* residual;  ///< like x, or null
  bool relu;
  float* y;
};

/// Its gradient. The gradient that reaches the normalization is g = grad, or where a ReLU followed, g = 0 wherever its
/// output was not positive: the output `y` where given, else what x, scale and shift give again. All of x's shape are
/// [rows, channels], all others [channels].
struct NormalizeGrad {
  const float* x;
  const float* mean;
  const float* scale;
  const float* shift;
  const float* y;  ///< or null
  bool relu;
  const float* grad;
};

/// Of every column of a matrix the largest and the smallest value, and the first rows that hold them. All [columns].
struct ColumnExtremes {
  float* high;
  float* low;
  int32_t* high_row;
  int32_t* low_row;
};

/// Loops over float vectors that training spends time in. One source (vector.inl) is compiled for every instruction
/// set: additions, multiplications, divisions and comparisons in a fixed order, which round the same everywhere.
/// Outputs overlap no input unless said otherwise.
struct VectorKernels {
  /// sum[i] += term[i]
  void (*add)(float* sum, const float* term, int64_t count);
  /// sum[i] = a[i] + b[i]
  void (*sum)(float* sum, const float* a, const float* b, int64_t count);
  /// y[i] = max(x[i], 0); NaN stays.
  void (*relu)(float* y, const float* x, int64_t count);
  /// grad_x[i] = grad[i] where y[i] > 0, else 0. grad_x may be grad.
  void (*relu_grad)(float* grad_x, const float* y, const float* grad, int64_t count);
  /// y[i] = min(max(x[i], 0), 6); NaN stays.
  void (*relu6)(float* y, const float* x, int64_t count);
  /// grad_x[i] = grad[i] where 0 < y[i] < 6, else 0. grad_x may be grad.
  void (*relu6_grad)(float* grad_x, const float* y, const float* grad, int64_t count);
  /// Where x[i] > best[i]: best[i] = x[i], at[i] = first + i.
  void (*keep_larger)(float* best, int32_t* at, const float* x, int32_t first, int64_t count);
  /// y[i] = exp(x[i] - offset)
  void (*exp_minus)(float* y, const float* x, float offset, int64_t count);
  /// y[i] = x[i] * scale where words[i] >= threshold, else 0. y may be x.
  void (*keep_from)(float* y, const float* x, const uint16_t* words, int32_t threshold, float scale, int64_t count);
  /// The sum of x, in 16 lanes of float64 (element i in lane i % 16) added up in order.
  double (*total)(const float* x, int64_t count);

  /// y[r, c] = x[r, c] + row[c]
  void (*add_row)(float* y, const float* x, const float* row, int64_t rows, int64_t columns);
  /// sums[c] = x[0, c] + x[1, c] + ...
  void (*column_sums)(float* sums, const float* x, int64_t rows, int64_t columns);
  /// mean[c] of x[:, c], and squares[c], the sum of the squared distances from it. Reads x twice: give it as many rows
  /// as the first-level cache holds.
  void (*column_moments)(float* mean, float* squares, const float* x, int64_t rows, int64_t columns);

  /// The extremes of x[rows, columns], 1 <= rows < 2^31. Where a column's first value is not NaN, other NaN are passed
  /// over.
  void (*column_extremes)(const ColumnExtremes& extremes, const float* x, int64_t rows, int64_t columns);

  /// Rows begin to end of Normalize.
  void (*normalize)(const Normalize& task, int64_t channels, int64_t begin, int64_t end);
  /// Over rows begin to end: sums[c] of g, and products[c] of g * (x - mean). Where y is given, g itself goes to
  /// `masked`, of x's shape, which may be grad.
  void (*normalize_grad_sums)(const NormalizeGrad& task, float* masked, int64_t channels, int64_t begin, int64_t end,
                              float* sums, float* products);
  /// grad_x = g * scale + ((x - mean) * slope + offset) over rows begin to end. grad_x may be grad. For y not given.
  void (*normalize_grad)(const NormalizeGrad& task, const float* slope, const float* offset, float* grad_x,
                         int64_t channels, int64_t begin, int64_t end);

  /// v = momentum * v + (grad + decay * w); w = w - rate * v
  void (*sgd)(float* w, float* v, const float* grad, float rate, float momentum, float decay, int64_t count);
};

}  // namespace fqt::kernels
