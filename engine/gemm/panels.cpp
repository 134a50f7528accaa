#include "engine/gemm/panels.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "engine/profile.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

/// How a panel's values come from the source, and the planes they fill.
template <typename T>
struct AsIs {
  using Value = T;
  static constexpr int kPlanes = 1;
};
struct Split {
  using Value = int16_t;
  static constexpr int kPlanes = 2;
};

/// A group of terms of up to 16 columns: term t of column c is rows[t][c * column_stride].
template <typename Source>
struct Group {
  const Source* rows[4];  ///< null: zeros
  int64_t column_stride;
  int64_t columns;
  const uint16_t* zeros;  ///< of 16 columns; null for floats
};

/// Where the terms of a run lie, group by group.
template <typename Source>
class RunTerms {
 public:
  /// From term `first` of the run on.
  RunTerms(const Source* source, const RhsGather& gather, int64_t run, int64_t first)
      : source_(source),
        gather_(gather),
        segment_(run * gather.joined + first / gather.padded_length),
        end_((run + 1) * gather.joined),
        term_(first % gather.padded_length) {}

  template <int64_t kStep>
  void next(const Source** rows) {
    if (segment_ < end_ && term_ + kStep <= gather_.length) {
      const Source* at = term();
      for (int64_t t = 0; t < kStep; ++t) {
        rows[t] = at + t * gather_.term_stride;
        __builtin_prefetch(rows[t] + kAhead * kStep * gather_.term_stride);
      }
      return advance(kStep);
    }
    for (int64_t t = 0; t < kStep; ++t) {
      rows[t] = segment_ < end_ && term_ < gather_.length ? term() : nullptr;
      advance(1);
    }
  }

 private:
  const Source* term() const {
    return source_ + gather_.segments[static_cast<size_t>(segment_)] + term_ * gather_.term_stride;
  }
  void advance(int64_t count) {
    term_ += count;
    if (term_ < gather_.padded_length) return;
    term_ = 0;
    ++segment_;
  }

  /// Groups that are fetched ahead: the processor does not foresee steps of a matrix's row. Past its end it does no
  /// harm.
  static constexpr int64_t kAhead = 8;

  const Source* source_;
  const RhsGather& gather_;
  int64_t segment_, end_, term_;
};

/// out[c][t], zeros where there is no such column or term.
template <typename T, typename Source, typename Convert>
void pack_any(const Group<Source>& group, T* out, const Convert& convert) {
  for (int64_t c = 0; c < kPanelColumns; ++c)
    for (int64_t t = 0; t < kGroup<T>; ++t)
      out[c * kGroup<T> + t] =
          c < group.columns && group.rows[t] ? convert(group.rows[t][c * group.column_stride], c) : T{};
}

void pack_group(AsIs<float>, const Group<float>& group, float* out, float* /*second*/) {
  if (!group.rows[0] || group.column_stride != 1 || group.columns < kPanelColumns)
    return pack_any(group, out, [](float value, int64_t) { return value; });
  std::memcpy(out, group.rows[0], kPanelColumns * sizeof(float));
}

#if defined(__SSE2__)
__m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
void store(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }

/// Sixteen levels as words.
struct Words {
  __m128i low, high;
};
Words load_words(const uint8_t* from) {
  const __m128i bytes = load(from), nothing = _mm_setzero_si128();
  return {_mm_unpacklo_epi8(bytes, nothing), _mm_unpackhi_epi8(bytes, nothing)};
}
Words load_words(const uint16_t* from) { return {load(from), load(from + 8)}; }

/// Two terms of sixteen columns side by side.
void store_pairs(int16_t* out, const Words& first, const Words& second) {
  store(out, _mm_unpacklo_epi16(first.low, second.low));
  store(out + 8, _mm_unpackhi_epi16(first.low, second.low));
  store(out + 16, _mm_unpacklo_epi16(first.high, second.high));
  store(out + 24, _mm_unpackhi_epi16(first.high, second.high));
}

Words subtract(const Words& levels, const Words& zeros) {
  return {_mm_sub_epi16(levels.low, zeros.low), _mm_sub_epi16(levels.high, zeros.high)};
}

/// Ones in the bytes of the first `columns` of sixteen.
__m128i present(int64_t columns) {
  static constexpr uint8_t kOnes[2 * kPanelColumns] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                       255, 255, 255, 255, 255, 255, 255, 255};
  return load(kOnes + kPanelColumns - columns);
}

/// `words` where the bytes of `mask` are ones, else 0.
Words keep(const Words& words, __m128i mask) {
  return {_mm_and_si128(words.low, _mm_unpacklo_epi8(mask, mask)),
          _mm_and_si128(words.high, _mm_unpackhi_epi8(mask, mask))};
}

/// With level = 256 a + b and zero = 256 c + d: low = (b - d) mod 256, high = a - c, less one where b < d.
void split_words(__m128i levels, __m128i zeros, __m128i* high, __m128i* low) {
  const __m128i bytes = _mm_set1_epi16(255);
  const __m128i rest = _mm_sub_epi16(_mm_and_si128(levels, bytes), _mm_and_si128(zeros, bytes));
  *low = _mm_and_si128(rest, bytes);
  *high = _mm_add_epi16(_mm_sub_epi16(_mm_srli_epi16(levels, 8), _mm_srli_epi16(zeros, 8)), _mm_srai_epi16(rest, 8));
}
#endif

void pack_group(AsIs<int8_t>, const Group<uint8_t>& group, int8_t* out, int8_t* /*second*/) {
#if defined(__SSE2__)
  if (group.column_stride == 1) {
    const __m128i zeros = _mm_packus_epi16(load(group.zeros), load(group.zeros + 8)), mask = present(group.columns);
    __m128i row[4];
    for (int t = 0; t < 4; ++t)
      row[t] = group.rows[t] ? _mm_and_si128(_mm_sub_epi8(load(group.rows[t]), zeros), mask) : _mm_setzero_si128();
    const __m128i low01 = _mm_unpacklo_epi8(row[0], row[1]), high01 = _mm_unpackhi_epi8(row[0], row[1]);
    const __m128i low23 = _mm_unpacklo_epi8(row[2], row[3]), high23 = _mm_unpackhi_epi8(row[2], row[3]);
    store(out, _mm_unpacklo_epi16(low01, low23));
    store(out + 16, _mm_unpackhi_epi16(low01, low23));
    store(out + 32, _mm_unpacklo_epi16(high01, high23));
    store(out + 48, _mm_unpackhi_epi16(high01, high23));
    return;
  }
#endif
  pack_any(group, out, [&](int level, int64_t c) { return static_cast<int8_t>(level - group.zeros[c]); });
}

#if defined(__SSE2__)
/// Four groups of 32 bits of four columns, of which each column's lie side by side, to 64 bytes a group.
void transpose_groups(const void* const* columns, __m128i zeros, int8_t* out) {
  const __m128i a = load(columns[0]), b = load(columns[1]), c = load(columns[2]), d = load(columns[3]);
  const __m128i ab01 = _mm_unpacklo_epi32(a, b), ab23 = _mm_unpackhi_epi32(a, b);
  const __m128i cd01 = _mm_unpacklo_epi32(c, d), cd23 = _mm_unpackhi_epi32(c, d);
  store(out, _mm_sub_epi8(_mm_unpacklo_epi64(ab01, cd01), zeros));
  store(out + 64, _mm_sub_epi8(_mm_unpackhi_epi64(ab01, cd01), zeros));
  store(out + 128, _mm_sub_epi8(_mm_unpacklo_epi64(ab23, cd23), zeros));
  store(out + 192, _mm_sub_epi8(_mm_unpackhi_epi64(ab23, cd23), zeros));
}
#endif

/// Packs whole groups of sixteen columns whose terms lie side by side from `source` on, four groups at a time, up to
/// `groups`; returns how many.
template <typename T, typename Source>
int64_t pack_columns(const Source* source, int64_t groups, const RhsGather& gather, const Group<Source>& group,
                     T* out) {
#if defined(__SSE2__)
  if constexpr (sizeof(T) == sizeof(Source) && sizeof(T) != sizeof(int16_t)) {  // bytes and floats
    if (gather.term_stride != 1 || gather.joined > 1 || group.columns < kPanelColumns) return 0;
    alignas(16) uint8_t zeros[4 * kPanelColumns] = {};
    if constexpr (sizeof(T) == 1)
      for (int i = 0; i < 4 * kPanelColumns; ++i) zeros[i] = static_cast<uint8_t>(group.zeros[i / 4]);
    int64_t g = 0;
    for (; g + 4 <= groups; g += 4)
      for (int c = 0; c < kPanelColumns; c += 4) {
        const void* columns[4];
        for (int i = 0; i < 4; ++i) columns[i] = source + (c + i) * gather.column_stride + g * kGroup<T>;
        transpose_groups(columns, load(zeros + 4 * c), reinterpret_cast<int8_t*>(out) + g * 64 + c * 4);
      }
    return g;
  }
#endif
  return 0;
}

template <typename Level>
void pack_group(AsIs<int16_t>, const Group<Level>& group, int16_t* out, int16_t* /*second*/) {
#if defined(__SSE2__)
  if (group.column_stride == 1 && group.rows[0] && group.rows[1]) {
    const Words zeros = load_words(group.zeros);
    const __m128i mask = present(group.columns);
    return store_pairs(out, keep(subtract(load_words(group.rows[0]), zeros), mask),
                       keep(subtract(load_words(group.rows[1]), zeros), mask));
  }
#endif
  pack_any(group, out, [&](int level, int64_t c) { return static_cast<int16_t>(level - group.zeros[c]); });
}

void pack_group(Split, const Group<uint16_t>& group, int16_t* out, int16_t* second) {
#if defined(__SSE2__)
  if (group.column_stride == 1 && group.rows[0] && group.rows[1]) {
    const Words zeros = load_words(group.zeros);
    const __m128i mask = present(group.columns);
    Words high[2], low[2];
    for (int t = 0; t < 2; ++t) {
      const Words levels = load_words(group.rows[t]);
      split_words(levels.low, zeros.low, &high[t].low, &low[t].low);
      split_words(levels.high, zeros.high, &high[t].high, &low[t].high);
    }
    store_pairs(out, keep(high[0], mask), keep(high[1], mask));
    return store_pairs(second, keep(low[0], mask), keep(low[1], mask));
  }
#endif
  pack_any(group, out, [&](int level, int64_t c) { return static_cast<int16_t>((level - group.zeros[c]) >> 8); });
  pack_any(group, second, [&](int level, int64_t c) { return static_cast<int16_t>((level - group.zeros[c]) & 255); });
}

/// `zeros`: empty for floats.
template <typename Form, typename Source, typename T = typename Form::Value>
Panels<T> pack(Form form, const Source* source, const RhsGather& gather, std::span<const uint16_t> zeros) {
  const profile::Scope scope(profile::Phase::pack);
  constexpr int64_t kStep = kGroup<T>;
  const int64_t runs = static_cast<int64_t>(gather.segments.size()) / gather.joined;
  const int64_t run_groups = (gather.joined * gather.padded_length + kStep - 1) / kStep;
  Panels<T> panels;
  panels.columns = gather.columns;
  panels.groups = runs * run_groups;
  panels.planes = Form::kPlanes;
  const int64_t count = (gather.columns + kPanelColumns - 1) / kPanelColumns;
  panels.data = Buffer<T>(count * panels.planes * panels.panel_size());
  // Units are pieces of runs within a panel, so that both a long sum and a wide operand are shared out. Where columns
  // lie side by side all panels of a piece come one after another: they read from the same cache lines.
  constexpr int64_t kPieceGroups = 64;
  const int64_t piece_groups =
      std::max<int64_t>(1, gather.column_stride == 1 ? std::min(run_groups, kPieceGroups) : run_groups);
  const int64_t pieces = (run_groups + piece_groups - 1) / piece_groups;
  parallel_for(runs * pieces * count, std::max<int64_t>(1, 4096 / piece_groups), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t piece = unit / count % pieces * piece_groups, run = unit / count / pieces;
      const int64_t panel = unit % count, first = panel * kPanelColumns;
      uint16_t panel_zeros[kPanelColumns] = {};
      Group<Source> group{
          {}, gather.column_stride, std::min<int64_t>(kPanelColumns, gather.columns - first), panel_zeros};
      if (!zeros.empty()) std::copy_n(zeros.begin() + first, group.columns, panel_zeros);
      const Source* columns = source + first * gather.column_stride;
      T* to = panels.data.data() + panel * panels.planes * panels.panel_size() +
              (run * run_groups + piece) * kPanelColumns * kStep;
      const int64_t stop = std::min(run_groups, piece + piece_groups);
      const int64_t segment = gather.segments[static_cast<size_t>(run * gather.joined)];
      const int64_t done = piece + pack_columns(columns + segment + piece * kStep,
                                                std::min(stop, gather.length / kStep) - piece, gather, group, to);
      to += (done - piece) * kPanelColumns * kStep;
      RunTerms<Source> terms(columns, gather, run, done * kStep);
      for (int64_t g = done; g < stop; ++g, to += kPanelColumns * kStep) {
        terms.template next<kStep>(group.rows);
        pack_group(form, group, to, to + panels.panel_size());
      }
    }
  });
  return panels;
}

/// sums[c] += the group's terms of column c.
#if defined(__SSE2__)
/// Four columns: bytes to int16, even and odd apart, then neighbours to int32.
void add_group(const int8_t* group, int32_t* sums) {
  const __m128i ones = _mm_set1_epi16(1);
  for (int quarter = 0; quarter < 4; ++quarter) {
    const __m128i bytes = load(group + quarter * 16);
    const __m128i even = _mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), odd = _mm_srai_epi16(bytes, 8);
    int32_t* to = sums + quarter * 4;
    store(to, _mm_add_epi32(load(to), _mm_madd_epi16(_mm_add_epi16(even, odd), ones)));
  }
}
void add_group(const int16_t* group, int32_t* sums) {
  const __m128i ones = _mm_set1_epi16(1);
  for (int c = 0; c < kPanelColumns; c += 4)
    store(sums + c, _mm_add_epi32(load(sums + c), _mm_madd_epi16(load(group + c * 2), ones)));
}
#else
template <typename T>
void add_group(const T* group, int32_t* sums) {
  for (int c = 0; c < kPanelColumns; ++c)
    for (int t = 0; t < kGroup<T>; ++t) sums[c] += group[c * kGroup<T> + t];
}
#endif

/// sums[c] += factor * the terms of column c in one panel.
template <typename T>
void add_panel(const T* at, int64_t groups, int64_t factor, int64_t* sums) {
  for (int64_t g = 0; g < groups;) {
    int32_t partial[kPanelColumns] = {};
    // 2^14 groups of two int16 stay below 2^31 in magnitude.
    for (const int64_t stop = std::min<int64_t>(groups, g + (1 << 14)); g < stop; ++g, at += kPanelColumns * kGroup<T>)
      add_group(at, partial);
    for (int c = 0; c < kPanelColumns; ++c) sums[c] += factor * partial[c];
  }
}

template <typename T>
Panels<T> with_column_sums(Panels<T> panels) {
  const int64_t count = (panels.columns + kPanelColumns - 1) / kPanelColumns;
  panels.column_sums.assign(static_cast<size_t>(count * kPanelColumns), 0);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel)
      for (int plane = 0; plane < panels.planes; ++plane)
        add_panel(panels.panel(panel, plane), panels.groups, plane + 1 < panels.planes ? 256 : 1,
                  panels.column_sums.data() + panel * kPanelColumns);
  });
  return panels;
}

}  // namespace

template <typename T>
int64_t Panels<T>::panel_size() const {
  return groups * kPanelColumns * kGroup<T>;
}

Panels<float> pack_float(const float* source, const RhsGather& gather) {
  return pack(AsIs<float>{}, source, gather, {});
}

template <typename T, typename Level>
Panels<T> pack_levels(const Level* source, const RhsGather& gather, std::span<const uint16_t> zeros) {
  return with_column_sums(pack(AsIs<T>{}, source, gather, zeros));
}

Panels<int16_t> pack_split(const uint16_t* source, const RhsGather& gather, std::span<const uint16_t> zeros) {
  return with_column_sums(pack(Split{}, source, gather, zeros));
}

Panels<int8_t> with_depths(Panels<int8_t> panels, int lhs_max) {
  const profile::Scope scope(profile::Phase::pack);
  const auto depth = kernels::active().gemm.panel_depth;
  panels.lhs_max = lhs_max;
  panels.depths.resize(panels.column_sums.size() / kPanelColumns);
  parallel_for(static_cast<int64_t>(panels.depths.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel)
      panels.depths[static_cast<size_t>(panel)] =
          static_cast<uint8_t>(depth(panels.panel(panel), panels.groups, lhs_max));
  });
  return panels;
}

template struct Panels<float>;
template struct Panels<int8_t>;
template struct Panels<int16_t>;
template Panels<int8_t> pack_levels(const uint8_t*, const RhsGather&, std::span<const uint16_t>);
template Panels<int16_t> pack_levels(const uint8_t*, const RhsGather&, std::span<const uint16_t>);
template Panels<int16_t> pack_levels(const uint16_t*, const RhsGather&, std::span<const uint16_t>);

}  // namespace fqt::gemm
