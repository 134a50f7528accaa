// Included by every instruction set's tiles, inside their namespace.

inline void scale_row(const int32_t* __restrict sums, const int32_t* __restrict corrections, double scale,
                      int64_t columns, float* __restrict out) {
  for (int64_t c = 0; c < columns; ++c)
    out[c] = static_cast<float>(static_cast<double>(sums[c] - corrections[c]) * scale);
}

void scale_tile(const int32_t* sums, const int32_t* corrections, double scale, int64_t rows, int64_t columns,
                const int32_t* offsets, int64_t stride, float* out) {
  for (int64_t r = 0; r < rows; ++r, sums += kPanelColumns) {
    float* to = out + (offsets ? offsets[r] : r * stride);
    if (columns == kPanelColumns)
      scale_row(sums, corrections, scale, kPanelColumns, to);  // a constant length: unrolled
    else
      scale_row(sums, corrections, scale, columns, to);
  }
}

void widen(const uint8_t* __restrict levels, int64_t count, int16_t* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = levels[i];
}
