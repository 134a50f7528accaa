// Every tile kernel against the formula of TileFn, written out.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "engine/kernels/table.h"
#if defined(FQT_EMULATE_AVX512)
#include "engine/avx512_emulated.h"
#endif

using namespace fqt;
using kernels::GemmKernels;
using kernels::kGroup;
using kernels::kPanelColumns;

namespace {

struct Tiles {
  std::string_view name;
  const GemmKernels* gemm;
};

/// Of every instruction set of this processor, and AVX-512's emulated.
std::vector<Tiles> all_tiles() {
  std::vector<Tiles> all;
  for (const kernels::Isa& isa : kernels::all_isas())
    if (isa.supported()) all.push_back({isa.name, &isa.table().gemm});
#if defined(FQT_EMULATE_AVX512)
  all.push_back({"avx512 emulated", &test::avx512_emulated()});
#endif
  return all;
}

float plus_product(float sum, float a, float b) { return std::fma(a, b, sum); }
int32_t plus_product(int32_t sum, int32_t a, int32_t b) { return sum + a * b; }

/// The arguments of one call, and its result by the formula.
template <typename Lhs, typename Rhs, typename Sum>
struct Call {
  std::vector<Lhs> lhs;
  std::vector<int32_t> rows, segments;
  int64_t groups;
  std::vector<Rhs> panel;
  std::vector<Sum> sums;

  std::vector<Sum> expected() const {
    std::vector<Sum> result = sums;
    for (size_t r = 0; r < rows.size(); ++r)
      for (size_t c = 0; c < kPanelColumns; ++c)
        for (size_t s = 0; s < segments.size(); ++s)
          for (int64_t i = 0; i < groups * kGroup<Rhs>; ++i) {
            const size_t group = s * static_cast<size_t>(groups) + static_cast<size_t>(i / kGroup<Rhs>);
            Sum& sum = result[r * kPanelColumns + c];
            sum = plus_product(
                sum, static_cast<Sum>(lhs[static_cast<size_t>(rows[r] + segments[s] + i)]),
                static_cast<Sum>(
                    panel[(group * kPanelColumns + c) * kGroup<Rhs> + static_cast<size_t>(i % kGroup<Rhs>)]));
          }
    return result;
  }

  bool matches(kernels::TileFn<Lhs, Rhs, Sum> tile, int depth) const {
    std::vector<Sum> result = sums;
    tile(lhs.data(), rows.data(), segments.data(), static_cast<int64_t>(segments.size()), groups, panel.data(),
         result.data(), depth);
    return std::memcmp(result.data(), expected().data(), result.size() * sizeof(Sum)) == 0;
  }
};

/// Overlapping rows and segments at any offset, operands and starting sums from the functions given.
template <typename Lhs, typename Rhs, typename Sum, typename DrawLhs, typename DrawRhs, typename DrawSum>
Call<Lhs, Rhs, Sum> make_call(std::mt19937& random, int rows, int64_t segments, int64_t groups, DrawLhs lhs,
                              DrawRhs rhs, DrawSum sum) {
  Call<Lhs, Rhs, Sum> call;
  call.groups = groups;
  for (int r = 0; r < rows; ++r) call.rows.push_back(static_cast<int32_t>(random() % 50));
  for (int64_t s = 0; s < segments; ++s) call.segments.push_back(static_cast<int32_t>(random() % 50));
  call.lhs.resize(static_cast<size_t>(100 + groups * kGroup<Rhs>));
  call.panel.resize(static_cast<size_t>(segments * groups * kPanelColumns * kGroup<Rhs>));
  call.sums.resize(static_cast<size_t>(rows * kPanelColumns));
  for (Lhs& value : call.lhs) value = static_cast<Lhs>(lhs());
  for (Rhs& value : call.panel) value = static_cast<Rhs>(rhs());
  for (Sum& value : call.sums) value = static_cast<Sum>(sum());
  return call;
}

}  // namespace

TEST_CASE("tiles: float32 sums are chains of fused multiply-adds in the order of the terms") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(1);
    // Magnitudes from 2^-12 to 2^12, so that every product is rounded away in part.
    const auto draw = [&] {
      const float mantissa = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f;
      return std::ldexp(mantissa, static_cast<int>(random() % 25) - 12);
    };
    for (int64_t segments = 0; segments < 4; ++segments)
      for (int64_t groups = 0; groups < 20; ++groups) {
        CAPTURE(segments);
        CAPTURE(groups);
        const auto call = make_call<float, float, float>(random, tiles.gemm->rows, segments, groups, draw, draw, draw);
        CHECK(call.matches(tiles.gemm->tile_f32, 1));
      }
  }
}

TEST_CASE("tiles: bytes are summed exactly at every depth the limit of pair sums allows, extreme operands included") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(2);
    const int limit = tiles.gemm->pair_sum_limit;
    int depths_tried = 0;
    for (const int lhs_max : {3, 7, 15, 31, 63, 127, 255})
      for (const int rhs_max : {2, 5, 15, 31, 64, 127, 128}) {
        const int deepest = limit == 0 ? 1 : limit / (2 * lhs_max * rhs_max);
        for (const int depth : {1, 2, 3, 4, 5, 7, 8, 16, 31, deepest - 1, deepest}) {
          if (depth < 1 || depth > deepest) continue;
          ++depths_tried;
          CAPTURE(lhs_max);
          CAPTURE(rhs_max);
          CAPTURE(depth);
          const auto range = [&](int low, int high) {
            return low + static_cast<int>(random() % static_cast<uint32_t>(high - low + 1));
          };
          const auto any = [&] { return range(0, lhs_max); };
          const auto most = [&] { return lhs_max; };
          const int rhs_top = std::min(rhs_max, 127);
          const auto low = [&] { return -rhs_max; };
          const auto high = [&] { return rhs_top; };
          const auto start = [&] { return range(-1000000, 1000000); };
          const int rows = tiles.gemm->rows;
          // More groups than a depth, within one segment and across several.
          const int64_t groups = depth > 100 ? depth + 3 : 1 + range(0, 2 * depth + 5);
          const auto fn = tiles.gemm->tile_u8s8;
          const auto mixed = [&] { return range(-rhs_max, rhs_top); };
          CHECK(make_call<uint8_t, int8_t, int32_t>(random, rows, range(0, 3), groups, any, mixed, start)
                    .matches(fn, depth));
          CHECK(make_call<uint8_t, int8_t, int32_t>(random, rows, 2, groups, most, low, start).matches(fn, depth));
          CHECK(make_call<uint8_t, int8_t, int32_t>(random, rows, 3, groups / 2, most, high, start).matches(fn, depth));
        }
      }
    CHECK(depths_tried >= 40);
  }
}

TEST_CASE("tiles: int16 is summed exactly, extreme operands included") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(3);
    const auto zero = [] { return 0; };
    for (int64_t segments = 0; segments < 4; ++segments)
      for (const int64_t groups : {0, 1, 2, 3, 17, 64}) {
        const auto level = [&] { return random() % 256; };
        const auto difference = [&] { return static_cast<int>(random() % 511) - 255; };
        const auto start = [&] { return static_cast<int>(random() % 2000001) - 1000000; };
        CAPTURE(segments);
        CAPTURE(groups);
        CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, segments, groups, level, difference, start)
                  .matches(tiles.gemm->tile_s16, 1));
      }
    // 2 * 32767^2 = 2147352578 and 2 * -32768 * 32767 = -2147418112 just fit int32.
    const auto top = [] { return 32767; };
    const auto bottom = [] { return -32768; };
    CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, 1, 1, top, top, zero)
              .matches(tiles.gemm->tile_s16, 1));
    CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, 1, 1, bottom, top, zero)
              .matches(tiles.gemm->tile_s16, 1));
    CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, 1, 1, top, bottom, zero)
              .matches(tiles.gemm->tile_s16, 1));
  }
}

TEST_CASE("tiles: scaling rounds once and writes the tile and nothing else") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(4);
    constexpr float kUntouched = -1234.5f;
    for (int64_t rows = 0; rows <= tiles.gemm->rows; ++rows)
      for (int64_t columns = 1; columns <= kPanelColumns; ++columns)
        for (const bool scattered : {false, true}) {
          const int64_t stride = columns + 3;
          const double scale = std::ldexp(static_cast<double>(random()) + 0.1, -40);
          std::vector<int32_t> sums(static_cast<size_t>(rows * kPanelColumns)), corrections(kPanelColumns), offsets;
          // sum - correction stays within int32, as the accumulator's proof has it.
          for (int32_t& sum : sums) sum = static_cast<int32_t>(random()) / 2;
          for (int32_t& correction : corrections) correction = static_cast<int32_t>(random()) / 2;
          for (int64_t r = 0; r < rows; ++r)  // backwards, to differ from the plain order
            offsets.push_back(static_cast<int32_t>((scattered ? rows - 1 - r : r) * stride));
          std::vector<float> expected(static_cast<size_t>(rows * stride + 8), kUntouched), out = expected;
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < columns; ++c)
              expected[static_cast<size_t>(offsets[static_cast<size_t>(r)] + c)] =
                  static_cast<float>((static_cast<double>(sums[static_cast<size_t>(r * kPanelColumns + c)]) -
                                      corrections[static_cast<size_t>(c)]) *
                                     scale);
          tiles.gemm->scale_tile(sums.data(), corrections.data(), scale, rows, columns,
                                 scattered ? offsets.data() : nullptr, stride, out.data());
          CAPTURE(rows);
          CAPTURE(columns);
          CHECK(out == expected);
        }
  }
}
