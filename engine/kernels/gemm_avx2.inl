#include "engine/kernels/gemm_common.inl"

// 6 x 16 tiles: twelve accumulators of eight lanes, two registers of the panel, one broadcast.

constexpr int kRows = 6;
constexpr int kPairSumLimit = 32767;

inline __m256i broadcast32(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

inline __m256i zero_or_load(bool zero, const int32_t* p) { return zero ? _mm256_setzero_si256() : load(p); }
inline __m256 zero_or_load(bool zero, const float* p) { return zero ? _mm256_setzero_ps() : _mm256_loadu_ps(p); }
inline void store(float* p, __m256 v) { _mm256_storeu_ps(p, v); }

inline __m256 load_panel(const float* p) { return _mm256_loadu_ps(p); }
inline __m256i load_panel(const void* p) { return load(p); }
inline __m256 load_lhs(const float* p) { return _mm256_broadcast_ss(p); }
inline __m256i load_lhs(const void* p) { return broadcast32(p); }

/// One group: sum + a * b.
struct AddFloats {
  static __m256 add(__m256 sum, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, sum); }
};
struct AddWords {
  static __m256i add(__m256i sum, __m256i a, __m256i b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};
/// Tiles whose accumulators hold the sums as they are stored, `row` elements to a row.
template <typename Add, typename Lhs, typename Rhs, typename Sum>
inline __attribute__((always_inline)) void tile(const TileTask<Lhs, Rhs, Sum>& task, int64_t row) {
  using Vector = decltype(load_panel(task.panel));
  constexpr int kHalf = 8 * kGroup<Rhs>;
  const int64_t groups = task.groups, step = task.step;
  const Lhs* a[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    a[r] = task.lhs + task.rows[r];
    asm("" : "+r"(a[r]));  // a pointer of its own: compilers would add up lhs, row and term for every load
  }
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const Rhs* panel = task.panel + p * task.panel_stride;
    Sum* sums = task.sums + p * task.sum_panel;
    Vector acc[kRows][2];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      acc[r][0] = zero_or_load(task.fresh, sums + r * row);
      acc[r][1] = zero_or_load(task.fresh, sums + r * row + 8);
    }
    for (int64_t s = 0; s < task.segment_count; ++s) {
      int64_t at = task.segments[s];
      for (int64_t g = groups; g > 0; --g, at += step, panel += 2 * kHalf) {
        const Vector b0 = load_panel(panel), b1 = load_panel(panel + kHalf);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          const Vector v = load_lhs(a[r] + at);
          acc[r][0] = Add::add(acc[r][0], v, b0);
          acc[r][1] = Add::add(acc[r][1], v, b1);
        }
      }
    }
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      store(sums + r * row, acc[r][0]);
      store(sums + r * row + 8, acc[r][1]);
    }
  }
}

// maddubs adds two products in int16 and saturates there. With few enough levels, `depth` such sums still fit, and only
// then are they widened: twice the rate of 16-bit products.

/// Adds kDepth groups of one panel to the accumulators of kTall rows, widened once. Operands are read where they are
/// used, as all registers but four are accumulators.
template <int kDepth, int kTall>
inline __attribute__((always_inline)) void add_groups(const uint8_t* const* a, int64_t at, int64_t step,
                                                      const int8_t* panel, __m256i (*acc)[2]) {
  const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 6
  for (int r = 0; r < kTall; ++r) {
    __m256i v = broadcast32(a[r] + at);
    __m256i low = _mm256_maddubs_epi16(v, load(panel)), high = _mm256_maddubs_epi16(v, load(panel + 32));
#pragma GCC unroll 4
    for (int d = 1; d < kDepth; ++d) {
      v = broadcast32(a[r] + at + d * step);
      low = _mm256_add_epi16(low, _mm256_maddubs_epi16(v, load(panel + d * 64)));
      high = _mm256_add_epi16(high, _mm256_maddubs_epi16(v, load(panel + d * 64 + 32)));
    }
    acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(low, ones));
    acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(high, ones));
  }
}

/// Where the sums of one panel's tile go: finish(row, half, sums of eight columns), once for each.
struct KeepSums {
  int32_t* sums;
  void operator()(int row, int half, __m256i sum) const { store(sums + row * 16 + half * 8, sum); }
};

/// Those of ScaleTask, as scale_tiles would write them.
struct ScaleSums {
  const ScaleTask<int32_t>& to;
  int64_t column;

  void operator()(int row, int half, __m256i sum) const {
    if (row >= to.rows) return;
    const int64_t c = column + half * 8;
    const __m256i difference = _mm256_sub_epi32(sum, load(to.corrections + c));
    const __m256d low =
        _mm256_mul_pd(_mm256_cvtepi32_pd(_mm256_castsi256_si128(difference)), _mm256_loadu_pd(to.scales + c));
    const __m256d high =
        _mm256_mul_pd(_mm256_cvtepi32_pd(_mm256_extracti128_si256(difference, 1)), _mm256_loadu_pd(to.scales + c + 4));
    const __m256 scaled = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
    float* const out = to.out + (to.offsets ? to.offsets[row] : row * to.stride) + c;
    _mm256_storeu_ps(out, to.add ? _mm256_add_ps(_mm256_loadu_ps(out), scaled) : scaled);
  }
};

/// The first kTall rows of a tile, of one panel; kDepth from 1 to 4, within a segment. `before`: sums to add to; null
/// for none.
template <int kDepth, int kTall, typename Finish>
inline void tile_shallow(const TileTask<uint8_t, int8_t, int32_t>& task, const int8_t* panel, const int32_t* before,
                         const Finish& finish) {
  const int64_t groups = task.groups, step = task.step;
  const uint8_t* a[kTall];
  __m256i acc[kTall][2];
#pragma GCC unroll 6
  for (int r = 0; r < kTall; ++r) {
    a[r] = task.lhs + task.rows[r];
    asm("" : "+r"(a[r]));  // as above
    acc[r][0] = before ? load(before + r * 16) : _mm256_setzero_si256();
    acc[r][1] = before ? load(before + r * 16 + 8) : _mm256_setzero_si256();
  }
  for (int64_t s = 0; s < task.segment_count; ++s) {
    int64_t at = task.segments[s], g = groups;
    for (; g >= kDepth; g -= kDepth, at += kDepth * step, panel += kDepth * 64)
      add_groups<kDepth, kTall>(a, at, step, panel, acc);
    for (; kDepth > 1 && g > 0; --g, at += step, panel += 64) add_groups<1, kTall>(a, at, step, panel, acc);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kTall; ++r) {
    finish(r, 0, acc[r][0]);
    finish(r, 1, acc[r][1]);
  }
}

/// A whole tile of one panel, whose sums are kept in int16 for `depth` groups, across segments. (gnu::used: gcc 12
/// would fit it to its one caller, and then keep accumulators in memory.)
[[gnu::used]] void tile_deep(const TileTask<uint8_t, int8_t, int32_t>& task, const int8_t* panel, int32_t* sums,
                             int64_t depth) {
  const __m256i ones = _mm256_set1_epi16(1);
  const int64_t groups = task.groups, step = task.step;
  const uint8_t* a[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    a[r] = task.lhs + task.rows[r];
    asm("" : "+r"(a[r]));  // as above
  }
  alignas(32) static constexpr int32_t kZeros[kRows * 16] = {};
  const int32_t* before = task.fresh ? kZeros : sums;  // what the first widening adds to
  __m256i acc[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  int64_t left = depth;
  for (int64_t s = 0; s < task.segment_count; ++s) {
    int64_t at = task.segments[s];
    for (int64_t g = 0; g < groups;) {
      const int64_t count = groups - g < left ? groups - g : left;
      g += count;
      left -= count;
      for (int64_t i = count; i > 0; --i, at += step, panel += 64) {
        const __m256i b0 = load(panel), b1 = load(panel + 32);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          const __m256i v = broadcast32(a[r] + at);
          acc[r][0] = _mm256_add_epi16(acc[r][0], _mm256_maddubs_epi16(v, b0));
          acc[r][1] = _mm256_add_epi16(acc[r][1], _mm256_maddubs_epi16(v, b1));
        }
      }
      const bool last = s + 1 == task.segment_count && g == groups;
      if (left > 0 && !last) continue;
      left = depth;
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
          const int place = r * 16 + h * 8;
          store(sums + place, _mm256_add_epi32(load(before + place), _mm256_madd_epi16(acc[r][h], ones)));
          acc[r][h] = _mm256_setzero_si256();
        }
      before = sums;
    }
  }
}

constexpr int kShallow = 4;  ///< most groups that are added in registers
constexpr int kDeep = 8;     ///< fewer are better added as kShallow

template <int kDepth, int kTall>
void keep_tile(const TileTask<uint8_t, int8_t, int32_t>& task, const int8_t* panel, int32_t* sums) {
  tile_shallow<kDepth, kTall>(task, panel, task.fresh ? nullptr : sums, KeepSums{sums});
}

template <int kDepth, int kTall>
void scale_tile(const TileTask<uint8_t, int8_t, int32_t>& task, const int8_t* panel, const ScaleSums& finish) {
  tile_shallow<kDepth, kTall>(task, panel, nullptr, finish);
}

template <typename To>
using ShallowTile = void (*)(const TileTask<uint8_t, int8_t, int32_t>& task, const int8_t* panel, To to);
/// By rows (2, 4 or 6) and depth.
constexpr ShallowTile<int32_t*> kKeepTiles[3][kShallow] = {
    {keep_tile<1, 2>, keep_tile<2, 2>, keep_tile<3, 2>, keep_tile<4, 2>},
    {keep_tile<1, 4>, keep_tile<2, 4>, keep_tile<3, 4>, keep_tile<4, 4>},
    {keep_tile<1, 6>, keep_tile<2, 6>, keep_tile<3, 6>, keep_tile<4, 6>},
};
constexpr ShallowTile<const ScaleSums&> kScaleTiles[3][kShallow] = {
    {scale_tile<1, 2>, scale_tile<2, 2>, scale_tile<3, 2>, scale_tile<4, 2>},
    {scale_tile<1, 4>, scale_tile<2, 4>, scale_tile<3, 4>, scale_tile<4, 4>},
    {scale_tile<1, 6>, scale_tile<2, 6>, scale_tile<3, 6>, scale_tile<4, 6>},
};

/// How the tiles of a task are best added up.
struct TilePlan {
  size_t pairs_of_rows;
  bool may_go_deep;

  explicit TilePlan(const TileTask<uint8_t, int8_t, int32_t>& task)
      : pairs_of_rows(static_cast<size_t>(task.present < kRows ? (task.present + 1) / 2 : kRows / 2)),
        may_go_deep(task.segment_count * task.groups >= 2 * kDeep && 2 * pairs_of_rows == kRows) {}

  bool deep(int depth) const { return depth >= kDeep && may_go_deep; }
  template <typename To>
  auto shallow(const ShallowTile<To> (&tiles)[3][kShallow], int depth) const {
    return tiles[pairs_of_rows - 1][(depth < kShallow ? depth : kShallow) - 1];
  }
};

inline int depth_of(const TileTask<uint8_t, int8_t, int32_t>& task, int64_t panel) {
  return task.depths ? task.depths[panel] : task.depth;
}

void tile_u8s8(const TileTask<uint8_t, int8_t, int32_t>& task) {
  const TilePlan plan(task);
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const int8_t* panel = task.panel + p * task.panel_stride;
    int32_t* sums = task.sums + p * task.sum_panel;
    const int depth = depth_of(task, p);
    if (plan.deep(depth))
      tile_deep(task, panel, sums, depth);
    else
      plan.shallow(kKeepTiles, depth)(task, panel, sums);
  }
}

void tile_u8s8_scaled(const TileTask<uint8_t, int8_t, int32_t>& task, const ScaleTask<int32_t>& to) {
  const TilePlan plan(task);
  for (int64_t p = 0; p < task.panel_count; ++p) {
    const int8_t* panel = task.panel + p * task.panel_stride;
    const int depth = depth_of(task, p);
    const ScaleSums finish{to, p * kPanelColumns};
    if (!plan.deep(depth)) {
      plan.shallow(kScaleTiles, depth)(task, panel, finish);
      continue;
    }
    int32_t sums[kRows * kPanelColumns];
    tile_deep(task, panel, sums, depth);
    for (int r = 0; r < kRows; ++r)
      for (int h = 0; h < 2; ++h) finish(r, h, load(sums + r * kPanelColumns + h * 8));
  }
}

/// Running sums of a panel's values over its groups, positive and negative ones apart, each lane two terms of a column:
/// modulo 2^16, as only differences of near ones are looked at.
struct LaneSums {
  __m256i lanes[4];
};

/// sums[g + 1] = sums[g] and what is in group g.
inline void add_up(const int8_t* panel, int64_t groups, LaneSums* sums) {
  const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi8(1);
  LaneSums sum = sums[0];
  for (int64_t g = 0; g < groups; ++g) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const __m256i values = load(panel + g * 64 + 32 * h), above = _mm256_max_epi8(values, zero);
      const __m256i below = _mm256_sub_epi8(_mm256_abs_epi8(values), above);  // as unsigned bytes: 128 is one
      sum.lanes[h] = _mm256_add_epi16(sum.lanes[h], _mm256_maddubs_epi16(above, ones));
      sum.lanes[2 + h] = _mm256_add_epi16(sum.lanes[2 + h], _mm256_maddubs_epi16(below, ones));
    }
    sums[g + 1] = sum;
  }
}

/// Whether no lane's sum over `depth` groups in a row, of `groups`, is above the limit. Fewer groups than that lie
/// within.
inline bool windows_fit(const LaneSums* sums, int64_t groups, int64_t depth, int limit) {
  const __m256i most = _mm256_set1_epi16(static_cast<int16_t>(limit));
  const int64_t length = depth < groups ? depth : groups, windows = groups - length + 1;
  for (int64_t first = 0; first < windows; first += 8) {
    __m256i over = _mm256_setzero_si256();
    for (int64_t g = first; g < windows && g < first + 8; ++g)
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i)
        over = _mm256_or_si256(over,
                               _mm256_cmpgt_epi16(_mm256_sub_epi16(sums[g + length].lanes[i], sums[g].lanes[i]), most));
    if (!_mm256_testz_si256(over, over)) return false;
  }
  return true;
}

int panel_depth(const int8_t* panel, int64_t groups, int lhs_max) {
  constexpr int kDepths[] = {64, 32, 16, 8, 4, 3, 2, 1};
  constexpr int64_t kBlock = 128;  // windows that begin in one block; a window's sums fit int16
  const int limit = kPairSumLimit / (lhs_max > 0 ? lhs_max : 1);
  LaneSums sums[kBlock + kDepths[0]];
  sums[0] = LaneSums{};
  size_t choice = 0;
  for (int64_t begin = 0; begin < groups; begin += kBlock) {
    const int64_t ahead = kBlock + kDepths[0] - 1, count = groups - begin < ahead ? groups - begin : ahead;
    add_up(panel + begin * 64, count, sums);
    // Shorter windows lie within longer ones: what held for the blocks before holds for them as well.
    while (!windows_fit(sums, count, kDepths[choice], limit))
      if (++choice == sizeof kDepths / sizeof *kDepths) return 0;
  }
  return kDepths[choice];
}

void tile_f32(const TileTask<float, float, float>& task) {
  if (task.sum_row == kPanelColumns) return tile<AddFloats>(task, kPanelColumns);  // a constant: fewer pointers
  tile<AddFloats>(task, task.sum_row);
}
void tile_s16(const TileTask<int16_t, int16_t, int32_t>& task) { tile<AddWords>(task, kPanelColumns); }

#include "engine/kernels/gemm_pack.inl"

constexpr GemmKernels kGemmKernels{
    kRows,       kPairSumLimit,        panel_depth,          tile_f32, tile_u8s8, tile_u8s8_scaled,
    tile_s16,    scale_tiles<int32_t>, scale_tiles<int64_t>, add_wide, widen,     center,
    kPackKernels};
