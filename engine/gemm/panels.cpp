#include "engine/gemm/panels.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/kernels/gemm.h"
#include "engine/parallel.h"

namespace fqt::gemm {
namespace {

using kernels::kGroup;
using kernels::kPanelColumns;

/// One group of terms of up to 16 columns: out[c][t] = source[t * term_stride + c * column_stride] - zero.
template <typename T, typename Source>
void pack_any(const Source* source, const RhsGather& gather, int64_t terms, int64_t columns, int zero, T* out) {
  for (int64_t c = 0; c < kPanelColumns; ++c)
    for (int64_t t = 0; t < kGroup<T>; ++t)
      out[c * kGroup<T> + t] =
          c < columns && t < terms
              ? static_cast<T>(source[t * gather.term_stride + c * gather.column_stride] - static_cast<Source>(zero))
              : T{};
}

void pack_group(const float* source, const RhsGather& gather, int64_t terms, int64_t columns, int zero, float* out) {
  if (terms != 1 || columns != kPanelColumns || gather.column_stride != 1)
    return pack_any(source, gather, terms, columns, zero, out);
  std::memcpy(out, source, kPanelColumns * sizeof(float));
}

void pack_group(const uint8_t* source, const RhsGather& gather, int64_t terms, int64_t columns, int zero, int8_t* out) {
#if defined(__SSE2__)
  if (terms == 4 && columns == 16 && gather.column_stride == 1) {
    const __m128i offset = _mm_set1_epi8(static_cast<char>(zero));
    __m128i row[4];
    for (int t = 0; t < 4; ++t)
      row[t] = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + t * gather.term_stride)), offset);
    const __m128i low01 = _mm_unpacklo_epi8(row[0], row[1]), high01 = _mm_unpackhi_epi8(row[0], row[1]);
    const __m128i low23 = _mm_unpacklo_epi8(row[2], row[3]), high23 = _mm_unpackhi_epi8(row[2], row[3]);
    __m128i* target = reinterpret_cast<__m128i*>(out);
    _mm_storeu_si128(target + 0, _mm_unpacklo_epi16(low01, low23));
    _mm_storeu_si128(target + 1, _mm_unpackhi_epi16(low01, low23));
    _mm_storeu_si128(target + 2, _mm_unpacklo_epi16(high01, high23));
    _mm_storeu_si128(target + 3, _mm_unpackhi_epi16(high01, high23));
    return;
  }
#endif
  pack_any(source, gather, terms, columns, zero, out);
}

void pack_group(const uint8_t* source, const RhsGather& gather, int64_t terms, int64_t columns, int zero,
                int16_t* out) {
#if defined(__SSE2__)
  if (terms == 2 && columns == 16 && gather.column_stride == 1) {
    const __m128i offset = _mm_set1_epi16(static_cast<int16_t>(zero)), nothing = _mm_setzero_si128();
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + gather.term_stride));
    const __m128i halves[2][2] = {{_mm_unpacklo_epi8(a, nothing), _mm_unpacklo_epi8(b, nothing)},
                                  {_mm_unpackhi_epi8(a, nothing), _mm_unpackhi_epi8(b, nothing)}};
    __m128i* target = reinterpret_cast<__m128i*>(out);
    for (const auto& half : halves) {
      const __m128i x = _mm_sub_epi16(half[0], offset), y = _mm_sub_epi16(half[1], offset);
      _mm_storeu_si128(target++, _mm_unpacklo_epi16(x, y));
      _mm_storeu_si128(target++, _mm_unpackhi_epi16(x, y));
    }
    return;
  }
#endif
  pack_any(source, gather, terms, columns, zero, out);
}

template <typename T, typename Source>
Panels<T> pack(const Source* source, const RhsGather& gather, int zero) {
  constexpr int64_t kStep = kGroup<T>;
  const int64_t segments = static_cast<int64_t>(gather.segments.size());
  const int64_t segment_groups = (gather.padded_length + kStep - 1) / kStep;
  Panels<T> panels;
  panels.columns = gather.columns;
  panels.groups = segments * segment_groups;
  const int64_t count = (gather.columns + kPanelColumns - 1) / kPanelColumns;
  panels.data = Buffer<T>(count * panels.panel_size());
  // Units are runs of groups within a panel, so that both a long sum and a wide operand are shared out.
  parallel_for(count * segments, std::max<int64_t>(1, 4096 / std::max<int64_t>(segment_groups, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t unit = begin; unit < end; ++unit) {
                   const int64_t panel = unit / segments, s = unit % segments;
                   const int64_t first = panel * kPanelColumns;
                   const int64_t columns = std::min<int64_t>(kPanelColumns, gather.columns - first);
                   const Source* from = source + gather.segments[static_cast<size_t>(s)] + first * gather.column_stride;
                   T* to =
                       panels.data.data() + panel * panels.panel_size() + s * segment_groups * kPanelColumns * kStep;
                   for (int64_t g = 0; g < segment_groups; ++g, to += kPanelColumns * kStep) {
                     const int64_t terms = std::clamp<int64_t>(gather.length - g * kStep, 0, kStep);
                     pack_group(from + g * kStep * gather.term_stride, gather, terms, columns, zero, to);
                   }
                 }
               });
  return panels;
}

/// sums[c] += the group's terms of column c.
template <typename T>
void add_group(const T* group, int32_t* sums) {
  for (int c = 0; c < kPanelColumns; ++c)
    for (int t = 0; t < kGroup<T>; ++t) sums[c] += group[c * kGroup<T> + t];
}

#if defined(__SSE2__)
/// Four columns: bytes to int16, even and odd apart, then neighbours to int32.
void add_group(const int8_t* group, int32_t* sums) {
  const __m128i ones = _mm_set1_epi16(1);
  for (int quarter = 0; quarter < 4; ++quarter) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(group) + quarter);
    const __m128i even = _mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), odd = _mm_srai_epi16(bytes, 8);
    __m128i* to = reinterpret_cast<__m128i*>(sums) + quarter;
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), _mm_madd_epi16(_mm_add_epi16(even, odd), ones)));
  }
}
#endif

template <typename T>
void sum_columns(Panels<T>& panels) {
  const int64_t count = (panels.columns + kPanelColumns - 1) / kPanelColumns;
  panels.column_sums.assign(static_cast<size_t>(count * kPanelColumns), 0);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const T* at = panels.panel(panel);
      for (int64_t g = 0; g < panels.groups;) {
        int32_t partial[kPanelColumns] = {};
        // 2^14 groups of two int16 stay below 2^31 in magnitude.
        for (const int64_t stop = std::min<int64_t>(panels.groups, g + (1 << 14)); g < stop;
             ++g, at += kPanelColumns * kGroup<T>)
          add_group(at, partial);
        for (int c = 0; c < kPanelColumns; ++c)
          panels.column_sums[static_cast<size_t>(panel * kPanelColumns + c)] += partial[c];
      }
    }
  });
}

}  // namespace

template <typename T>
int64_t Panels<T>::panel_size() const {
  return groups * kPanelColumns * kGroup<T>;
}

Panels<float> pack_float(const float* source, const RhsGather& gather) { return pack<float, float>(source, gather, 0); }

template <typename T>
Panels<T> pack_levels(const uint8_t* source, const RhsGather& gather, int zero) {
  Panels<T> panels = pack<T, uint8_t>(source, gather, zero);
  sum_columns(panels);
  return panels;
}

template struct Panels<float>;
template struct Panels<int8_t>;
template struct Panels<int16_t>;
template Panels<int8_t> pack_levels<int8_t>(const uint8_t*, const RhsGather&, int);
template Panels<int16_t> pack_levels<int16_t>(const uint8_t*, const RhsGather&, int);

}  // namespace fqt::gemm
