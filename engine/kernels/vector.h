#pragma once

#include <cstdint>

#include "engine/kernels/codes.h"
#include "engine/math.h"  // for vector.inl, which is included inside a namespace

namespace fqt::kernels {

/// Which values of [rows, channels] are positive: bit i of word w of a row stands for channel 16 w + i.
inline constexpr int64_t bit_words(int64_t channels) { return (channels + 15) / 16; }

/// x and y [rows, channels]: y = x * scale + shift, + residual where there is one, then max(y, 0) where `relu`, which
/// a residual asks for.
struct Normalize {
  const float* x;
  const float* scale;     ///< [channels]
  const float* shift;     ///< [channels]
  const float* residual;  ///< like x, or null
  bool relu;
  float* y;
  uint16_t* positive;  ///< of y, for a residual: [rows, bit_words(channels)]
};

/// Its gradient. The gradient that reaches the normalization is g = grad, or where a ReLU followed, g = 0 wherever its
/// output was not `positive` where that is given, else what x, scale and shift give again. All of x's shape are
/// [rows, channels], all others [channels].
struct NormalizeGrad {
  const float* x;
  const float* mean;
  const float* scale;
  const float* shift;
  const uint16_t* positive;  ///< as Normalize leaves it, or null
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

/// One time step of an LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), for rows of
/// `hidden` values. Gates are side by side in a row, in the order i, f, g, o: i = sigmoid(a_i), f = sigmoid(a_f),
/// g = tanh(a_g), o = sigmoid(a_o) of a = input + recurrent; cell = f * before + i * g; output = o * tanh(cell).
struct LstmCell {
  const float* input;      ///< [rows, 4 hidden]
  const float* recurrent;  ///< [rows, 4 hidden]
  const float* before;     ///< [rows, hidden]
  float* gates;            ///< i, f, g, o: [rows, 4 hidden]
  float* cell;             ///< [rows, hidden]
  float* tanh_cell;        ///< [rows, hidden]
  float* output;           ///< [rows, hidden]
};

/// Its gradient: of a, which is that of input and of recurrent, and of before.
struct LstmCellGrad {
  const float* gates;
  const float* tanh_cell;
  const float* before;
  const float* grad_output;  ///< [rows, hidden]
  const float* grad_cell;    ///< [rows, hidden]
  float* grad_gates;         ///< of a: [rows, 4 hidden]
  float* grad_before;        ///< [rows, hidden]
};

/// One row of a normalization: y = (x - mean) * inverse * gamma + beta, all of `count` values.
struct LayerNormRow {
  const float* x;
  const float* gamma;
  const float* beta;
  float mean, inverse;
};

/// One step of Adam; see optim::Adam.
struct AdamStep {
  float beta1, beta2;
  float one_minus_beta1, one_minus_beta2;
  float rate;             ///< learning rate / (1 - beta1^t)
  float root_correction;  ///< sqrt(1 - beta2^t)
  float epsilon;
  float decay;  ///< times w, added to the gradient
  float keep;   ///< what w is multiplied by first
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
  /// y[i] = exp((x[i] - offset) * scale)
  void (*exp_scaled)(float* y, const float* x, float offset, float scale, int64_t count);
  /// y[i] = tanh(x[i])
  void (*tanh)(float* y, const float* x, int64_t count);
  /// y[i] = 1 / (1 + exp(-x[i]))
  void (*sigmoid)(float* y, const float* x, int64_t count);
  /// y[i] = x[i] * Phi(x[i]), Phi being the normal distribution function (Hendrycks and Gimpel 2016)
  void (*gelu)(float* y, const float* x, int64_t count);
  /// grad_x[i] = grad[i] * (Phi(x[i]) + x[i] phi(x[i])). grad_x may be grad.
  void (*gelu_grad)(float* grad_x, const float* x, const float* grad, int64_t count);
  /// y[i] = x[i] * factor. y may be x.
  void (*times)(float* y, const float* x, float factor, int64_t count);
  /// The largest of count >= 1 values; where one is NaN, any of them.
  float (*largest)(const float* x, int64_t count);
  /// How many x[i] are not below `bound`, and how many are neither below nor equal: NaN counts.
  int64_t (*count_not_below)(const float* x, float bound, int64_t count);
  int64_t (*count_above)(const float* x, float bound, int64_t count);
  /// x[i] = x[i] / total, divided in float64.
  void (*divide)(float* x, double total, int64_t count);
  /// y[i] = (x[i] - offset) * factor. y may be x.
  void (*minus_times)(float* y, const float* x, float offset, float factor, int64_t count);
  /// The sum of a[i] * b[i], each exact in float64, in lanes as those of total.
  double (*dot)(const float* a, const float* b, int64_t count);
  /// grad_x[i] = (grad[i] - offset) * y[i] * scale
  void (*softmax_grad)(float* grad_x, const float* y, const float* grad, float offset, float scale, int64_t count);
  /// y[i] = x[i] * scale where words[i] >= threshold, else 0. y may be x.
  void (*keep_from)(float* y, const float* x, const uint16_t* words, int32_t threshold, float scale, int64_t count);
  /// The sum of x, in 16 lanes of float64 (element i in lane i % 16) added up in order.
  double (*total)(const float* x, int64_t count);
  /// The sum of (x[i] - mean)^2, in float64, in lanes as those of total.
  double (*squares)(const float* x, double mean, int64_t count);

  /// Rows begin to end of LstmCell.
  void (*lstm_cell)(const LstmCell& task, int64_t hidden, int64_t begin, int64_t end);
  /// Rows begin to end of LstmCellGrad.
  void (*lstm_cell_grad)(const LstmCellGrad& task, int64_t hidden, int64_t begin, int64_t end);
  /// y of LayerNormRow.
  void (*layer_norm)(float* y, const LayerNormRow& row, int64_t count);
  /// Its gradient. With n = (x - mean) * inverse and g = grad * gamma: grad_x = (g - mean of g - n * mean of g n) *
  /// inverse; grad_gamma += grad * n; grad_beta += grad. Means are float64 sums in lanes as those of total. grad_x may
  /// not be grad.
  void (*layer_norm_grad)(float* grad_x, float* grad_gamma, float* grad_beta, const LayerNormRow& row,
                          const float* grad, int64_t count);

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

  /// Rows begin to end of Normalize. The extremes of y are joined with those in `extremes`.
  void (*normalize)(const Normalize& task, int64_t channels, int64_t begin, int64_t end, Extremes* extremes);
  /// Over rows begin to end: sums[c] of g, and products[c] of g * (x - mean). Where `positive` is given, g itself goes
  /// to `masked`, of x's shape, which may be grad.
  void (*normalize_grad_sums)(const NormalizeGrad& task, float* masked, int64_t channels, int64_t begin, int64_t end,
                              float* sums, float* products);
  /// grad_x = g * scale + ((x - mean) * slope + offset) over rows begin to end. grad_x may be grad or x. For `positive`
  /// not given. The extremes of grad_x are joined with those in `extremes`.
  void (*normalize_grad)(const NormalizeGrad& task, const float* slope, const float* offset, float* grad_x,
                         int64_t channels, int64_t begin, int64_t end, Extremes* extremes);

  /// v = momentum * v + (grad + decay * w); w = w - rate * v
  void (*sgd)(float* w, float* v, const float* grad, float rate, float momentum, float decay, int64_t count);
  /// w = keep * w; g = grad + decay * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g * g;
  /// w = w - rate * m / (sqrt(v) / root_correction + epsilon). `decay` is of w as it was.
  void (*adam)(float* w, float* m, float* v, const float* grad, const AdamStep& step, int64_t count);
};

}  // namespace fqt::kernels
