// Part of vector.inl: loops over x[rows, columns] in which every column has values of its own. Each column is summed on
// its own, in the order of the rows, however many columns the instruction set takes at a time. Results go through a
// local array before they are stored: the compiler then sees for itself that an output may be an input.

constexpr int64_t kBlock = 16;

/// kBlock, known to the compiler: sums over a block of that many columns stay in registers.
struct WholeBlock {
  constexpr operator int64_t() const { return kBlock; }
};

/// Calls body(first column, number of columns) for blocks of columns.
template <typename Body>
inline void for_blocks(int64_t columns, const Body& body) {
  int64_t c = 0;
  for (; c + kBlock <= columns; c += kBlock) body(c, WholeBlock());
  if (c < columns) body(c, columns - c);
}

/// Calls body(first row, end, first column, number of columns) for tiles of about a kilobyte, all blocks of columns
/// before the next rows: memory is walked nearly in order though a block's coefficients stay in registers.
template <typename Body>
inline void for_tiles(int64_t columns, int64_t begin, int64_t end, const Body& body) {
  const int64_t rows = columns < 64 ? 256 / columns : 4;
  for (int64_t tile = begin; tile < end; tile += rows) {
    const int64_t tile_end = tile + rows < end ? tile + rows : end;
    for_blocks(columns, [&](int64_t c, auto width) { body(tile, tile_end, c, width); });
  }
}

inline void add_row(float* __restrict y, const float* __restrict x, const float* __restrict row, int64_t rows,
                    int64_t columns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) y[r * columns + c] = x[r * columns + c] + row[c];
}

template <typename Width>
inline void block_sums(float* sums, const float* x, int64_t rows, int64_t columns, Width width) {
  float sum[kBlock] = {};
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) sum[i] += x[r * columns + i];
  for (int64_t i = 0; i < width; ++i) sums[i] = sum[i];
}

inline void column_sums(float* sums, const float* x, int64_t rows, int64_t columns) {
  for_blocks(columns, [=](int64_t c, auto width) { block_sums(sums + c, x + c, rows, columns, width); });
}

template <typename Width>
inline void block_moments(float* means, float* squares, const float* x, int64_t rows, int64_t columns, Width width) {
  float mean[kBlock] = {}, square[kBlock] = {};
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) mean[i] += x[r * columns + i];
  for (int64_t i = 0; i < width; ++i) mean[i] /= static_cast<float>(rows);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < width; ++i) {
      const float distance = x[r * columns + i] - mean[i];
      square[i] += distance * distance;
    }
  }
  for (int64_t i = 0; i < width; ++i) means[i] = mean[i];
  for (int64_t i = 0; i < width; ++i) squares[i] = square[i];
}

inline void column_moments(float* mean, float* squares, const float* x, int64_t rows, int64_t columns) {
  for_blocks(columns,
             [=](int64_t c, auto width) { block_moments(mean + c, squares + c, x + c, rows, columns, width); });
}

/// One column.
struct SingleColumn {
  typedef float Floats;
  typedef int32_t Ints;
  static constexpr int kCount = 1;
};

/// As many as stay in registers: a compiler that is left to vectorize choices of floats and of integers at once makes
/// branches of them. (Attributes are lost on template arguments, but not on members.)
struct SixteenColumns {
  typedef float Floats __attribute__((vector_size(32), aligned(4), may_alias));
  typedef int32_t Ints __attribute__((vector_size(32), aligned(4), may_alias));
  static constexpr int kCount = 2;
};

/// From column c on.
template <typename Columns>
inline void group_extremes(const ColumnExtremes& extremes, const float* x, int64_t rows, int64_t columns, int64_t c) {
  typedef typename Columns::Floats Floats;
  typedef typename Columns::Ints Ints;
  Floats high[Columns::kCount], low[Columns::kCount];
  Ints high_row[Columns::kCount] = {}, low_row[Columns::kCount] = {};
  for (int i = 0; i < Columns::kCount; ++i) high[i] = low[i] = reinterpret_cast<const Floats*>(x + c)[i];
  for (int32_t r = 1; r < rows; ++r) {
    const Floats* const values = reinterpret_cast<const Floats*>(x + r * columns + c);
    const Ints row = Ints{} + r;
#pragma GCC unroll 2
    for (int i = 0; i < Columns::kCount; ++i) {
      const Floats value = values[i];
      high_row[i] = value > high[i] ? row : high_row[i];
      low_row[i] = value < low[i] ? row : low_row[i];
      high[i] = value > high[i] ? value : high[i];
      low[i] = value < low[i] ? value : low[i];
    }
  }
  for (int i = 0; i < Columns::kCount; ++i) {
    reinterpret_cast<Floats*>(extremes.high + c)[i] = high[i];
    reinterpret_cast<Floats*>(extremes.low + c)[i] = low[i];
    reinterpret_cast<Ints*>(extremes.high_row + c)[i] = high_row[i];
    reinterpret_cast<Ints*>(extremes.low_row + c)[i] = low_row[i];
  }
}

inline void column_extremes(const ColumnExtremes& extremes, const float* x, int64_t rows, int64_t columns) {
  int64_t c = 0;
#if defined(__AVX2__)
  for (; c + 16 <= columns; c += 16) group_extremes<SixteenColumns>(extremes, x, rows, columns, c);
#endif
  for (; c < columns; ++c) group_extremes<SingleColumn>(extremes, x, rows, columns, c);
}

/// Bits of a block: whether each value is positive.
inline uint16_t positive_bits(const float* values, int64_t width) {
  int bits = 0;
  for (int64_t i = 0; i < width; ++i) bits |= (values[i] > 0.0f) << i;
  return static_cast<uint16_t>(bits);
}
inline uint16_t positive_bits(const float* values, WholeBlock /*width*/) {
#if defined(__AVX2__)
  const __m256 zero = _mm256_setzero_ps();
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values), zero, _CMP_GT_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values + 8), zero, _CMP_GT_OQ));
  return static_cast<uint16_t>(low | high << 8);
#else
  return positive_bits(values, int64_t{kBlock});
#endif
}

/// Extremes of what lay in each place of a block, as vectors with names of their own: compilers keep no arrays of them
/// in registers. `odd` is 0 where all of it was finite.
struct BlockExtremes {
  FloatLanes high0, high1, low0, low1;
  IntLanes odd0, odd1;

  explicit BlockExtremes(const Extremes& start)
      : high0(FloatLanes{} + start.high), high1(high0), low0(FloatLanes{} + start.low), low1(low0), odd0{}, odd1{} {}

  /// Of a block's values; past its width, any of them.
  inline __attribute__((always_inline)) void join(const float* values) {
    const FloatLanes first = *reinterpret_cast<const FloatLanes*>(values);
    const FloatLanes second = *reinterpret_cast<const FloatLanes*>(values + 8);
    high0 = first > high0 ? first : high0;
    high1 = second > high1 ? second : high1;
    low0 = first < low0 ? first : low0;
    low1 = second < low1 ? second : low1;
    odd0 |= reinterpret_cast<IntLanes>(first - first);
    odd1 |= reinterpret_cast<IntLanes>(second - second);
  }
  void join_into(Extremes* all) const {
    for (int i = 0; i < 8; ++i) {
      const float high = high0[i] > high1[i] ? high0[i] : high1[i], low = low0[i] < low1[i] ? low0[i] : low1[i];
      all->high = high > all->high ? high : all->high;
      all->low = low < all->low ? low : all->low;
      all->finite = all->finite && (odd0[i] | odd1[i]) == 0;
    }
  }
};

/// Fills a block up with values that it has.
template <typename Width>
inline void fill_up(float* values, Width width) {
  for (int64_t i = width; i < kBlock; ++i) values[i] = values[0];
}

template <bool relu, bool residual, typename Width>
inline void block_normalize(const Normalize& task, int64_t channels, int64_t begin, int64_t end, int64_t c,
                            BlockExtremes& extremes, Width width) {
  BlockExtremes found = extremes;  // in registers, as nothing else can look at it
  float scale[kBlock], shift[kBlock];
  for (int64_t i = 0; i < width; ++i) scale[i] = task.scale[c + i];
  for (int64_t i = 0; i < width; ++i) shift[i] = task.shift[c + i];
  for (int64_t r = begin; r < end; ++r) {
    const float* const x = task.x + r * channels + c;
    const float* const term = residual ? task.residual + r * channels + c : nullptr;
    float* const y = task.y + r * channels + c;
    float out[kBlock];
    for (int64_t i = 0; i < width; ++i) {
      float value = x[i] * scale[i] + shift[i];
      if constexpr (residual) value += term[i];
      out[i] = relu && value < 0.0f ? 0.0f : value;
    }
    for (int64_t i = 0; i < width; ++i) y[i] = out[i];
    fill_up(out, width);
    found.join(out);
    if constexpr (residual) task.positive[r * bit_words(channels) + c / kBlock] = positive_bits(out, width);
  }
  extremes = found;
}

template <bool relu, bool residual>
inline void normalize_rows(const Normalize& task, int64_t channels, int64_t begin, int64_t end, Extremes* extremes) {
  BlockExtremes found(*extremes);
  for_tiles(channels, begin, end, [&](int64_t first, int64_t last, int64_t c, auto width) {
    block_normalize<relu, residual>(task, channels, first, last, c, found, width);
  });
  found.join_into(extremes);
}

inline void normalize(const Normalize& task, int64_t channels, int64_t begin, int64_t end, Extremes* extremes) {
  const auto run = task.residual ? normalize_rows<true, true>
                   : task.relu   ? normalize_rows<true, false>
                                 : normalize_rows<false, false>;
  run(task, channels, begin, end, extremes);
}

/// What decides whether a gradient passes the ReLU.
enum class Mask { none, from_x, from_bits };

/// Adds to sums and products.
template <Mask mask, typename Width>
inline void block_grad_sums(const NormalizeGrad& task, float* masked, int64_t channels, int64_t begin, int64_t end,
                            float* sums, float* products, int64_t c, Width width) {
  float mean[kBlock], scale[kBlock], shift[kBlock], sum[kBlock], product[kBlock];
  for (int64_t i = 0; i < width; ++i) {
    sum[i] = sums[c + i];
    product[i] = products[c + i];
    mean[i] = task.mean[c + i];
    scale[i] = task.scale[c + i];
    shift[i] = task.shift[c + i];
  }
  for (int64_t r = begin; r < end; ++r) {
    const int64_t row = r * channels + c;
    const float* const x = task.x + row;
    const int bits = mask == Mask::from_bits ? task.positive[r * bit_words(channels) + c / kBlock] : 0;
    const float* const grad = task.grad + row;
    float kept[kBlock];
    for (int64_t i = 0; i < width; ++i) {
      const float value = grad[i];
      float passed = value;
      if constexpr (mask == Mask::from_x) passed = x[i] * scale[i] + shift[i] > 0.0f ? value : 0.0f;
      if constexpr (mask == Mask::from_bits) kept[i] = passed = (bits >> i & 1) != 0 ? value : 0.0f;
      sum[i] += passed;
      product[i] += passed * (x[i] - mean[i]);
    }
    if constexpr (mask == Mask::from_bits)
      for (int64_t i = 0; i < width; ++i) masked[row + i] = kept[i];
  }
  for (int64_t i = 0; i < width; ++i) sums[c + i] = sum[i];
  for (int64_t i = 0; i < width; ++i) products[c + i] = product[i];
}

template <Mask mask>
inline void grad_sums(const NormalizeGrad& task, float* masked, int64_t channels, int64_t begin, int64_t end,
                      float* sums, float* products) {
  for (int64_t c = 0; c < channels; ++c) sums[c] = products[c] = 0.0f;
  for_tiles(channels, begin, end, [&](int64_t first, int64_t last, int64_t c, auto width) {
    block_grad_sums<mask>(task, masked, channels, first, last, sums, products, c, width);
  });
}

inline void normalize_grad_sums(const NormalizeGrad& task, float* masked, int64_t channels, int64_t begin, int64_t end,
                                float* sums, float* products) {
  const auto run = task.positive ? grad_sums<Mask::from_bits>
                   : task.relu   ? grad_sums<Mask::from_x>
                                 : grad_sums<Mask::none>;
  run(task, masked, channels, begin, end, sums, products);
}

template <bool relu, typename Width>
inline void block_grad(const NormalizeGrad& task, const float* slopes, const float* offsets, float* grad_x,
                       int64_t channels, int64_t begin, int64_t end, int64_t c, BlockExtremes& extremes, Width width) {
  BlockExtremes found = extremes;
  float mean[kBlock], scale[kBlock], shift[kBlock], slope[kBlock], offset[kBlock];
  for (int64_t i = 0; i < width; ++i) {
    mean[i] = task.mean[c + i];
    scale[i] = task.scale[c + i];
    shift[i] = task.shift[c + i];
    slope[i] = slopes[c + i];
    offset[i] = offsets[c + i];
  }
  for (int64_t r = begin; r < end; ++r) {
    const float* const x = task.x + r * channels + c;
    const float* const grad = task.grad + r * channels + c;
    float out[kBlock];
    for (int64_t i = 0; i < width; ++i) {
      const float value = grad[i];
      const float passed = !relu || x[i] * scale[i] + shift[i] > 0.0f ? value : 0.0f;
      out[i] = passed * scale[i] + ((x[i] - mean[i]) * slope[i] + offset[i]);
    }
    for (int64_t i = 0; i < width; ++i) grad_x[r * channels + c + i] = out[i];
    fill_up(out, width);
    found.join(out);
  }
  extremes = found;
}

template <bool relu>
inline void grad_rows(const NormalizeGrad& task, const float* slope, const float* offset, float* grad_x,
                      int64_t channels, int64_t begin, int64_t end, Extremes* extremes) {
  BlockExtremes found(*extremes);
  for_tiles(channels, begin, end, [&](int64_t first, int64_t last, int64_t c, auto width) {
    block_grad<relu>(task, slope, offset, grad_x, channels, first, last, c, found, width);
  });
  found.join_into(extremes);
}

inline void normalize_grad(const NormalizeGrad& task, const float* slope, const float* offset, float* grad_x,
                           int64_t channels, int64_t begin, int64_t end, Extremes* extremes) {
  (task.relu ? grad_rows<true> : grad_rows<false>)(task, slope, offset, grad_x, channels, begin, end, extremes);
}
