// Included by every instruction set's tiles, inside their namespace.

inline double to_double(int32_t value) { return value; }
/// Both halves are exact, and their sum is rounded once. (There is no vector instruction for int64 before AVX-512.)
inline double to_double(int64_t value) {
  return static_cast<double>(static_cast<int32_t>(value >> 32)) * 4294967296.0 +
         static_cast<double>(static_cast<uint32_t>(value));
}

template <typename Sum, bool kAdd = false>
inline void scale_row(const Sum* __restrict sums, const Sum* __restrict corrections, const double* __restrict scales,
                      int64_t columns, float* __restrict out) {
  for (int64_t c = 0; c < columns; ++c) {
    const float value = static_cast<float>(to_double(sums[c] - corrections[c]) * scales[c]);
    out[c] = kAdd ? out[c] + value : value;
  }
}

template <typename Sum, bool kAdd>
inline void scale_rows(const ScaleTask<Sum>& task) {
  const int64_t whole = task.columns / kPanelColumns * kPanelColumns, rest = task.columns - whole;
  for (int64_t r = 0; r < task.rows; ++r) {
    const Sum* sums = task.sums + r * kPanelColumns;
    float* out = task.out + (task.offsets ? task.offsets[r] : r * task.stride);
    for (int64_t n = 0; n < whole; n += kPanelColumns, sums += task.sum_panel)  // a constant length: unrolled
      scale_row<Sum, kAdd>(sums, task.corrections + n, task.scales + n, kPanelColumns, out + n);
    if (rest > 0) scale_row<Sum, kAdd>(sums, task.corrections + whole, task.scales + whole, rest, out + whole);
  }
}

template <typename Sum>
void scale_tiles(const ScaleTask<Sum>& task) {
  if (task.add)
    scale_rows<Sum, true>(task);
  else
    scale_rows<Sum, false>(task);
}

void add_wide(int64_t* __restrict totals, const int32_t* __restrict sums, int64_t count, int factor) {
  for (int64_t i = 0; i < count; ++i) totals[i] += int64_t{sums[i]} * factor;
}

void widen(const uint8_t* __restrict levels, int64_t count, int16_t* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = levels[i];
}

void center(const uint16_t* __restrict levels, int64_t count, int16_t* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<int16_t>(levels[i] ^ 0x8000);
}
