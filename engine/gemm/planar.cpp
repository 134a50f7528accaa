#include "engine/gemm/planar.h"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/parallel.h"
#include "engine/profile.h"

namespace fqt::gemm {
namespace {

/// target[c * plane + i] = source[i * step + c] for `count` pixels and all channels.
template <typename T>
void transpose(const T* source, int64_t step, int64_t count, int64_t channels, T* target, int64_t plane) {
  constexpr int64_t kTile = 16;  // bounds the lines touched at once
  for (int64_t first = 0; first < channels; first += kTile)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t c = first; c < std::min(first + kTile, channels); ++c) target[c * plane + i] = source[i * step + c];
}

#if defined(__SSE2__)
/// A 16 x 16 block of bytes: four rounds of interleaving the upper half of the rows with the lower.
void transpose16(const uint8_t* source, int64_t step, uint8_t* target, int64_t plane) {
  __m128i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i * step));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
      b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
    }
    for (int i = 0; i < 8; ++i) {
      a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 8]);
      a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 8]);
    }
  }
  for (int i = 0; i < 16; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(target + i * plane), a[i]);
}

/// An 8 x 8 block of words, in three rounds of the same.
void transpose8(const uint16_t* source, int64_t step, uint16_t* target, int64_t plane) {
  __m128i a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i * step));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
      b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    }
    std::copy_n(b, 8, a);
  }
  for (int i = 0; i < 8; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(target + i * plane), a[i]);
}

/// Whole blocks of kBlock x kBlock elements by `block`, the rest one by one.
template <int64_t kBlock, typename T, typename Block>
void transpose_blocks(const T* source, int64_t step, int64_t count, int64_t channels, T* target, int64_t plane,
                      const Block& block) {
  const int64_t whole = count / kBlock * kBlock, whole_channels = channels / kBlock * kBlock;
  for (int64_t i = 0; i < whole; i += kBlock)
    for (int64_t c = 0; c < whole_channels; c += kBlock)
      block(source + i * step + c, step, target + c * plane + i, plane);
  transpose<T>(source + whole_channels, step, whole, channels - whole_channels, target + whole_channels * plane, plane);
  transpose<T>(source + whole * step, step, count - whole, channels, target + whole, plane);
}

void transpose(const uint8_t* source, int64_t step, int64_t count, int64_t channels, uint8_t* target, int64_t plane) {
  transpose_blocks<16>(source, step, count, channels, target, plane, transpose16);
}

void transpose(const uint16_t* source, int64_t step, int64_t count, int64_t channels, uint16_t* target, int64_t plane) {
  transpose_blocks<8>(source, step, count, channels, target, plane, transpose8);
}

void transpose4(const float* source, int64_t step, float* target, int64_t plane) {
  __m128 r0 = _mm_loadu_ps(source), r1 = _mm_loadu_ps(source + step), r2 = _mm_loadu_ps(source + 2 * step),
         r3 = _mm_loadu_ps(source + 3 * step);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(target, r0);
  _mm_storeu_ps(target + plane, r1);
  _mm_storeu_ps(target + 2 * plane, r2);
  _mm_storeu_ps(target + 3 * plane, r3);
}

void transpose(const float* source, int64_t step, int64_t count, int64_t channels, float* target, int64_t plane) {
  transpose_blocks<4>(source, step, count, channels, target, plane, transpose4);
}
#endif

template <typename T>
void rearrange(const PlanarImage& planar, const T* source, T* target) {
  const profile::Scope scope(profile::Phase::pack);
  const PaddedImage& image = planar.source;
  const int64_t height = image.padded_height(), width = image.padded_width(), row = planar.row();
  // A plain matrix is one long row: units are pieces of rows.
  constexpr int64_t kPiece = 512;
  const int64_t pieces = (row + kPiece - 1) / kPiece;
  parallel_for(image.batch * height * pieces, 4, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t line = unit / pieces, n = line / height, y = line % height;
      const int64_t first = unit % pieces * kPiece, stop = std::min(first + kPiece, row);
      for (int64_t phase = 0; phase < planar.stride; ++phase) {
        const T* from = source + (line * width + first * planar.stride + phase) * image.pixel;
        T* to = target + (n * image.channels * planar.stride + phase) * planar.plane() + y * row + first;
        const int64_t present = (width - phase + planar.stride - 1) / planar.stride;
        const int64_t count = std::clamp<int64_t>(present - first, 0, stop - first);
        transpose(from, planar.stride * image.pixel, count, image.channels, to, planar.stride * planar.plane());
        for (int64_t c = 0; c < image.channels; ++c)
          std::fill(to + c * planar.stride * planar.plane() + count,
                    to + c * planar.stride * planar.plane() + stop - first, T{});
      }
    }
  });
}

}  // namespace

void to_planar(const PlanarImage& planar, const uint8_t* source, uint8_t* target) { rearrange(planar, source, target); }
void to_planar(const PlanarImage& planar, const uint16_t* source, uint16_t* target) {
  rearrange(planar, source, target);
}
void to_planar(const PlanarImage& planar, const float* source, float* target) { rearrange(planar, source, target); }

}  // namespace fqt::gemm
