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

inline void keep_from(float* y, const float* x, const uint16_t* words, int32_t threshold, float scale, int64_t count) {
  FQT_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float value = x[i] * scale;
    y[i] = words[i] >= threshold ? value : 0.0f;
  }
}

inline double total(const float* x, int64_t count) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int64_t lane = 0; lane < 16; ++lane) lanes[lane] += x[i + lane];
  for (int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += x[i + lane];
  double result = 0;
  for (const double lane : lanes) result += lane;
  return result;
}

inline void sgd(float* __restrict w, float* __restrict v, const float* __restrict grad, float rate, float momentum,
                float decay, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    v[i] = momentum * v[i] + (grad[i] + decay * w[i]);
    w[i] -= rate * v[i];
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
    .keep_from = keep_from,
    .total = total,
    .add_row = add_row,
    .column_sums = column_sums,
    .column_moments = column_moments,
    .column_extremes = column_extremes,
    .normalize = normalize,
    .normalize_grad_sums = normalize_grad_sums,
    .normalize_grad = normalize_grad,
    .sgd = sgd,
};

#undef FQT_INDEPENDENT
