// Included once by every instruction set's translation unit, inside namespace fqt::kernels::<isa>. No standard headers
// with inline functions here or above: the linker might keep the copy that needs the wider instructions.

// Before a loop whose iterations are independent though its pointers may be equal.
#if defined(__clang__)
#define FQT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define FQT_INDEPENDENT _Pragma("GCC ivdep")
#endif

inline void add(float* __restrict sum, const float* __restrict term, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sum[i] += term[i];
}

inline void sum(float* __restrict sum, const float* __restrict a, const float* __restrict b, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

inline void relu(float* __restrict y, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

inline void relu_grad(float* grad_x, const float* y, const float* grad, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float value = grad[i];  // read before the comparison, so that nothing depends on it but a choice
    grad_x[i] = y[i] > 0.0f ? value : 0.0f;
  }
}

inline void relu6(float* __restrict y, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float positive = x[i] < 0.0f ? 0.0f : x[i];
    y[i] = positive > 6.0f ? 6.0f : positive;
  }
}

inline void relu6_grad(float* grad_x, const float* y, const float* grad, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float value = grad[i];
    const float below = y[i] < 6.0f ? value : 0.0f;
    grad_x[i] = y[i] > 0.0f ? below : 0.0f;
  }
}

inline void keep_larger(float* __restrict best, int32_t* __restrict at, const float* __restrict x, int32_t first,
                        int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const bool larger = x[i] > best[i];
    best[i] = larger ? x[i] : best[i];
    at[i] = larger ? first + static_cast<int32_t>(i) : at[i];
  }
}

inline void exp_minus(float* __restrict y, const float* __restrict x, float offset, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = math::exp(x[i] - offset);
}

inline void exp_scaled(float* __restrict y, const float* __restrict x, float offset, float scale, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = math::exp((x[i] - offset) * scale);
}

inline void tanh_of(float* __restrict y, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = math::tanh(x[i]);
}

inline void sigmoid_of(float* __restrict y, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = math::sigmoid(x[i]);
}

constexpr float kSqrtHalf = 0x1.6a09e6p-1f;       // sqrt(1/2)
constexpr float kNormalDensity = 0x1.988454p-2f;  // 1 / sqrt(2 pi)

inline void gelu(float* __restrict y, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * (0.5f + 0.5f * math::erf(x[i] * kSqrtHalf));
}

inline void gelu_grad(float* grad_x, const float* x, const float* grad, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float share = 0.5f + 0.5f * math::erf(x[i] * kSqrtHalf);
    grad_x[i] = grad[i] * (share + x[i] * (kNormalDensity * math::exp(-0.5f * (x[i] * x[i]))));
  }
}

inline void times(float* y, const float* x, float factor, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * factor;
}

inline float largest(const float* x, int64_t count) {
  float lanes[16];
  for (float& lane : lanes) lane = x[0];
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int64_t lane = 0; lane < 16; ++lane) lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  float result = lanes[0];
  for (const float lane : lanes) result = lane > result ? lane : result;
  return result;
}

inline void softmax_grad(float* __restrict grad_x, const float* __restrict y, const float* __restrict grad,
                         float offset, float scale, int64_t count) {
  for (int64_t i = 0; i < count; ++i) grad_x[i] = (grad[i] - offset) * y[i] * scale;
}

inline void keep_from(float* y, const float* x, const uint16_t* words, int32_t threshold, float scale, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float value = x[i] * scale;
    y[i] = words[i] >= threshold ? value : 0.0f;
  }
}

/// The sum of term(i), in 16 lanes (i in lane i % 16) added up in order.
template <typename Term>
inline double lane_sum(int64_t count, const Term& term) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int64_t lane = 0; lane < 16; ++lane) lanes[lane] += term(i + lane);
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += term(i + lane);
  double result = 0;
  for (const double lane : lanes) result += lane;
  return result;
}

/// Of values for which `counts` holds; int32 in between, as wide as what is compared.
template <typename Counts>
inline int64_t count_where(const float* x, int64_t count, Counts counts) {
  constexpr int64_t kBlock = int64_t{1} << 20;
  int64_t all = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    int32_t some = 0;
    for (int64_t i = begin; i < end; ++i) some += counts(x[i]) ? 1 : 0;
    all += some;
  }
  return all;
}

inline int64_t count_not_below(const float* x, float bound, int64_t count) {
  return count_where(x, count, [bound](float value) { return !(value < bound); });
}

inline int64_t count_above(const float* x, float bound, int64_t count) {
  return count_where(x, count, [bound](float value) { return !(value <= bound); });
}

inline void divide(float* x, double total, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = static_cast<float>(static_cast<double>(x[i]) / total);
}

inline void minus_times(float* y, const float* x, float offset, float factor, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - offset) * factor;
}

inline double total(const float* x, int64_t count) {
  return lane_sum(count, [x](int64_t i) { return static_cast<double>(x[i]); });
}

inline double dot(const float* a, const float* b, int64_t count) {
  return lane_sum(count, [a, b](int64_t i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
}

inline double squares(const float* x, double mean, int64_t count) {
  return lane_sum(count, [x, mean](int64_t i) {
    const double distance = static_cast<double>(x[i]) - mean;
    return distance * distance;
  });
}

inline void lstm_cell(const LstmCell& task, int64_t hidden, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* __restrict input = task.input + row * 4 * hidden;
    const float* __restrict recurrent = task.recurrent + row * 4 * hidden;
    const float* __restrict before = task.before + row * hidden;
    float* __restrict gates = task.gates + row * 4 * hidden;
    float* __restrict cell = task.cell + row * hidden;
    float* __restrict tanh_cell = task.tanh_cell + row * hidden;
    float* __restrict output = task.output + row * hidden;
    for (int64_t j = 0; j < 2 * hidden; ++j) gates[j] = math::sigmoid(input[j] + recurrent[j]);
    for (int64_t j = 2 * hidden; j < 3 * hidden; ++j) gates[j] = math::tanh(input[j] + recurrent[j]);
    for (int64_t j = 3 * hidden; j < 4 * hidden; ++j) gates[j] = math::sigmoid(input[j] + recurrent[j]);
    for (int64_t j = 0; j < hidden; ++j) cell[j] = gates[hidden + j] * before[j] + gates[j] * gates[2 * hidden + j];
    for (int64_t j = 0; j < hidden; ++j) tanh_cell[j] = math::tanh(cell[j]);
    for (int64_t j = 0; j < hidden; ++j) output[j] = gates[3 * hidden + j] * tanh_cell[j];
  }
}

inline void lstm_cell_grad(const LstmCellGrad& task, int64_t hidden, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* __restrict gates = task.gates + row * 4 * hidden;
    const float* __restrict tanh_cell = task.tanh_cell + row * hidden;
    const float* __restrict before = task.before + row * hidden;
    const float* __restrict grad_output = task.grad_output + row * hidden;
    const float* __restrict grad_cell = task.grad_cell + row * hidden;
    float* __restrict grad_gates = task.grad_gates + row * 4 * hidden;
    float* __restrict grad_before = task.grad_before + row * hidden;
    for (int64_t j = 0; j < hidden; ++j) {
      const float i = gates[j], f = gates[hidden + j], g = gates[2 * hidden + j], o = gates[3 * hidden + j];
      const float t = tanh_cell[j], c = grad_cell[j] + grad_output[j] * o * (1.0f - t * t);
      grad_gates[j] = c * g * (i * (1.0f - i));
      grad_gates[hidden + j] = c * before[j] * (f * (1.0f - f));
      grad_gates[2 * hidden + j] = c * i * (1.0f - g * g);
      grad_gates[3 * hidden + j] = grad_output[j] * t * (o * (1.0f - o));
      grad_before[j] = c * f;
    }
  }
}

inline void layer_norm(float* __restrict y, const LayerNormRow& row, int64_t count) {
  const float* __restrict x = row.x;
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - row.mean) * row.inverse * row.gamma[i] + row.beta[i];
}

inline void layer_norm_grad(float* __restrict grad_x, float* __restrict grad_gamma, float* __restrict grad_beta,
                            const LayerNormRow& row, const float* __restrict grad, int64_t count) {
  const float* __restrict x = row.x;
  const float* __restrict gamma = row.gamma;
  for (int64_t i = 0; i < count; ++i) {
    grad_x[i] = (x[i] - row.mean) * row.inverse;
    grad_gamma[i] += grad[i] * grad_x[i];
    grad_beta[i] += grad[i];
  }
  const auto scaled = [grad, gamma](int64_t i) { return static_cast<double>(grad[i] * gamma[i]); };
  const double size = static_cast<double>(count);
  const float mean = static_cast<float>(lane_sum(count, scaled) / size);
  const float slope = static_cast<float>(
      lane_sum(count, [&scaled, grad_x](int64_t i) { return scaled(i) * static_cast<double>(grad_x[i]); }) / size);
  for (int64_t i = 0; i < count; ++i) grad_x[i] = (grad[i] * gamma[i] - mean - grad_x[i] * slope) * row.inverse;
}

inline void sgd(float* __restrict w, float* __restrict v, const float* __restrict grad, float rate, float momentum,
                float decay, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    v[i] = momentum * v[i] + (grad[i] + decay * w[i]);
    w[i] -= rate * v[i];
  }
}

inline void adam(float* __restrict w, float* __restrict m, float* __restrict v, const float* __restrict grad,
                 const AdamStep& step, int64_t count) {
  const AdamStep s = step;
  for (int64_t i = 0; i < count; ++i) {
    const float g = grad[i] + s.decay * w[i];
    m[i] = s.beta1 * m[i] + s.one_minus_beta1 * g;
    v[i] = s.beta2 * v[i] + s.one_minus_beta2 * (g * g);
    w[i] = s.keep * w[i] - s.rate * (m[i] / (__builtin_sqrtf(v[i]) / s.root_correction + s.epsilon));
  }
}

#include "engine/kernels/columns.inl"

constexpr VectorKernels kVectorKernels{
    .add = add,
    .sum = sum,
    .relu = relu,
    .relu_grad = relu_grad,
    .relu6 = relu6,
    .relu6_grad = relu6_grad,
    .keep_larger = keep_larger,
    .exp_minus = exp_minus,
    .exp_scaled = exp_scaled,
    .tanh = tanh_of,
    .sigmoid = sigmoid_of,
    .gelu = gelu,
    .gelu_grad = gelu_grad,
    .times = times,
    .largest = largest,
    .count_not_below = count_not_below,
    .count_above = count_above,
    .divide = divide,
    .minus_times = minus_times,
    .dot = dot,
    .softmax_grad = softmax_grad,
    .keep_from = keep_from,
    .total = total,
    .squares = squares,
    .lstm_cell = lstm_cell,
    .lstm_cell_grad = lstm_cell_grad,
    .layer_norm = layer_norm,
    .layer_norm_grad = layer_norm_grad,
    .add_row = add_row,
    .column_sums = column_sums,
    .column_moments = column_moments,
    .column_extremes = column_extremes,
    .normalize = normalize,
    .normalize_grad_sums = normalize_grad_sums,
    .normalize_grad = normalize_grad,
    .sgd = sgd,
    .adam = adam,
};

#undef FQT_INDEPENDENT
