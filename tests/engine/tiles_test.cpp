// Every tile kernel against the formula of TileFn, written out.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string_view>
#include <type_traits>
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

/// The operands of one call, and its result by the formula.
template <typename Lhs, typename Rhs, typename Sum>
struct Call {
  std::vector<Lhs> lhs;
  std::vector<int32_t> rows, segments;
  int64_t groups, step;
  std::vector<Rhs> panels;
  int64_t panel_count, panel_stride;
  std::vector<Sum> sums;
  int64_t sum_row, sum_panel;

  std::vector<Sum> expected(bool fresh) const {
    std::vector<Sum> result = sums;
    for (int64_t p = 0; p < panel_count; ++p)
      for (int64_t r = 0; r < static_cast<int64_t>(rows.size()); ++r)
        for (int64_t c = 0; c < kPanelColumns; ++c) {
          Sum& sum = result[static_cast<size_t>(p * sum_panel + r * sum_row + c)];
          if (fresh) sum = 0;
          for (size_t s = 0; s < segments.size(); ++s)
            for (int64_t g = 0; g < groups; ++g)
              for (int64_t t = 0; t < kGroup<Rhs>; ++t) {
                const int64_t at = rows[static_cast<size_t>(r)] + segments[s] + g * step + t;
                const int64_t group = static_cast<int64_t>(s) * groups + g;
                sum = plus_product(
                    sum, static_cast<Sum>(lhs[static_cast<size_t>(at)]),
                    static_cast<Sum>(
                        panels[static_cast<size_t>(p * panel_stride + (group * kPanelColumns + c) * kGroup<Rhs> + t)]));
              }
        }
    return result;
  }

  bool matches(kernels::TileFn<Lhs, Rhs, Sum> tile, int depth) const {
    for (const bool fresh : {false, true}) {
      std::vector<Sum> result = sums;
      tile({lhs.data(), rows.data(), segments.data(), static_cast<int64_t>(segments.size()), groups, step,
            panels.data(), panel_count, panel_stride, result.data(), sum_row, sum_panel, fresh, depth});
      if (std::memcmp(result.data(), expected(fresh).data(), result.size() * sizeof(Sum)) != 0) return false;
    }
    return true;
  }
};

/// Overlapping rows and segments at any offset, terms in place or packed for the tile, sums in tiles or in wider rows;
/// operands and starting sums from the functions given.
template <typename Lhs, typename Rhs, typename Sum, typename DrawLhs, typename DrawRhs, typename DrawSum>
Call<Lhs, Rhs, Sum> make_call(std::mt19937& random, int rows, int64_t segments, int64_t groups, DrawLhs lhs,
                              DrawRhs rhs, DrawSum sum) {
  Call<Lhs, Rhs, Sum> call;
  call.groups = groups;
  call.step = random() % 2 ? kGroup<Rhs> : rows * kGroup<Rhs>;
  call.panel_count = 1 + static_cast<int64_t>(random() % 3);
  call.panel_stride = segments * groups * kPanelColumns * kGroup<Rhs> + static_cast<int64_t>(random() % 2) * 64;
  const bool tiles = !std::is_floating_point_v<Sum> || random() % 2;  // floats also in wider rows
  call.sum_row = tiles ? kPanelColumns : call.panel_count * kPanelColumns + 5;
  call.sum_panel = tiles ? rows * kPanelColumns : kPanelColumns;
  for (int r = 0; r < rows; ++r) call.rows.push_back(static_cast<int32_t>(random() % 50));
  for (int64_t s = 0; s < segments; ++s) call.segments.push_back(static_cast<int32_t>(random() % 50));
  call.lhs.resize(static_cast<size_t>(100 + groups * call.step));
  call.panels.resize(static_cast<size_t>(call.panel_count * call.panel_stride));
  call.sums.resize(static_cast<size_t>(rows * call.sum_row + call.panel_count * call.sum_panel));
  for (Lhs& value : call.lhs) value = static_cast<Lhs>(lhs());
  for (Rhs& value : call.panels) value = static_cast<Rhs>(rhs());
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

namespace {

/// panel_depth, written out: whether every `depth` groups in a row fit.
bool fits(const std::vector<int8_t>& panel, int64_t groups, int64_t depth, int64_t lhs_max, int64_t limit) {
  for (int64_t first = 0; first < groups; ++first)
    for (int64_t lane = 0; lane < 2 * kPanelColumns; ++lane) {
      int64_t above = 0, below = 0;
      for (int64_t g = first; g < std::min(groups, first + depth); ++g)
        for (int64_t t = 0; t < 2; ++t) {
          const int64_t value = panel[static_cast<size_t>(g * 4 * kPanelColumns + 2 * lane + t)];
          (value > 0 ? above : below) += std::abs(value);
        }
      if (std::max(above, below) * lhs_max > limit) return false;
    }
  return true;
}

}  // namespace

TEST_CASE("tiles: a panel is added up as deep as what is in it allows, and exactly") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    const int limit = tiles.gemm->pair_sum_limit;
    CHECK((tiles.gemm->panel_depth != nullptr) == (limit > 0));
    if (limit == 0) continue;
    std::mt19937 random(5);
    std::vector<int> seen(65);
    for (int i = 0; i < 400; ++i) {
      const int64_t groups = 1 + random() % 300;
      const int lhs_max = 1 + static_cast<int>(random() % 255), most = 1 + static_cast<int>(random() % 128);
      const uint32_t every = random() % 2 ? 1 : 1 + random() % 60;  // the others are 0
      const auto value = [&] {
        const int drawn = static_cast<int>(random() % static_cast<uint32_t>(2 * most)) - most;
        return random() % every ? 0 : drawn;
      };
      const auto level = [&] { return random() % 2 ? lhs_max : static_cast<int>(random()) % (lhs_max + 1); };
      auto call = make_call<uint8_t, int8_t, int32_t>(
          random, tiles.gemm->rows, 1, groups, [&] { return std::abs(level()); }, value, [] { return 5; });
      const std::vector<int8_t> panel(call.panels.begin(), call.panels.begin() + groups * 4 * kPanelColumns);
      const int depth = tiles.gemm->panel_depth(panel.data(), groups, lhs_max);
      REQUIRE(depth <= 64);
      ++seen[static_cast<size_t>(depth)];
      CHECK(fits(panel, groups, depth, lhs_max, limit));
      // The next deeper of the depths there are does not fit.
      for (const int deeper : {1, 2, 3, 4, 8, 16, 32, 64})
        if (deeper > depth) {
          CHECK_FALSE(fits(panel, groups, deeper, lhs_max, limit));
          break;
        }
      // Panel by panel, each as deep as it allows; with rows that nobody asks for.
      std::vector<uint8_t> depths;
      for (int64_t p = 0; p < call.panel_count; ++p)
        depths.push_back(
            static_cast<uint8_t>(tiles.gemm->panel_depth(call.panels.data() + p * call.panel_stride, groups, lhs_max)));
      if (std::ranges::find(depths, 0) != depths.end()) continue;
      for (const int present : {1, 2, 3, 4, 5, 6}) {
        std::vector<int32_t> sums = call.sums;
        const auto expected = call.expected(true);
        tiles.gemm->tile_u8s8({call.lhs.data(), call.rows.data(), call.segments.data(), 1, groups, call.step,
                               call.panels.data(), call.panel_count, call.panel_stride, sums.data(), call.sum_row,
                               call.sum_panel, true, 1, depths.data(), present});
        for (int64_t p = 0; p < call.panel_count; ++p)
          CHECK(std::equal(sums.begin() + p * call.sum_panel,
                           sums.begin() + p * call.sum_panel + present * kPanelColumns,
                           expected.begin() + p * call.sum_panel));
      }
    }
    for (const int depth : {0, 1, 2, 3, 4, 8, 16, 32, 64}) CHECK(seen[static_cast<size_t>(depth)] > 0);
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
    // The longest runs of split 16-bit operands: 254 terms of -32768 * -256, 256 of -32768 * 255.
    const auto high = [] { return -256; };
    const auto low = [] { return 255; };
    CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, 1, 127, bottom, high, zero)
              .matches(tiles.gemm->tile_s16, 1));
    CHECK(make_call<int16_t, int16_t, int32_t>(random, tiles.gemm->rows, 2, 64, bottom, low, zero)
              .matches(tiles.gemm->tile_s16, 1));
  }
}

namespace {

/// Every size of strip, plain and scattered; `draw` gives sums and corrections whose difference fits Sum.
template <typename Sum, typename DrawSum>
void check_scaling(const GemmKernels& gemm, kernels::ScaleFn<Sum> scale_tiles, std::mt19937& random,
                   const DrawSum& draw) {
  constexpr float kUntouched = -1234.5f;
  for (int64_t rows = 0; rows <= gemm.rows; ++rows)
    for (int64_t columns = 1; columns <= 3 * kPanelColumns; ++columns)
      for (const bool scattered : {false, true}) {
        const int64_t stride = columns + 3, panels = (columns + kPanelColumns - 1) / kPanelColumns;
        const int64_t sum_panel = gemm.rows * kPanelColumns + static_cast<int64_t>(random() % 2) * 32;
        std::vector<double> scales;
        for (int64_t c = 0; c < panels * kPanelColumns; ++c)
          scales.push_back(std::ldexp(static_cast<double>(random()) + 0.1, -40));
        std::vector<Sum> sums(static_cast<size_t>(panels * sum_panel)), corrections(scales.size());
        std::vector<int32_t> offsets;
        for (Sum& sum : sums) sum = draw();
        for (Sum& correction : corrections) correction = draw();
        for (int64_t r = 0; r < rows; ++r)  // backwards, to differ from the plain order
          offsets.push_back(static_cast<int32_t>((scattered ? rows - 1 - r : r) * stride));
        const bool add = random() % 2;
        std::vector<float> expected(static_cast<size_t>(rows * stride + 8), kUntouched), out = expected;
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < columns; ++c) {
            const Sum sum =
                sums[static_cast<size_t>(c / kPanelColumns * sum_panel + r * kPanelColumns + c % kPanelColumns)] -
                corrections[static_cast<size_t>(c)];
            const float value = static_cast<float>(static_cast<double>(sum) * scales[static_cast<size_t>(c)]);
            expected[static_cast<size_t>(offsets[static_cast<size_t>(r)] + c)] = add ? kUntouched + value : value;
          }
        scale_tiles({sums.data(), sum_panel, rows, columns, corrections.data(), scales.data(), out.data(),
                     scattered ? offsets.data() : nullptr, stride, add});
        CAPTURE(rows);
        CAPTURE(columns);
        CHECK(out == expected);
      }
}

}  // namespace

TEST_CASE("tiles: scaling rounds once and writes the tiles and nothing else") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(4);
    check_scaling<int32_t>(*tiles.gemm, tiles.gemm->scale_tiles, random,
                           [&] { return static_cast<int32_t>(random()) / 2; });
    // From a few bits to 62, where float64 no longer holds every integer.
    check_scaling<int64_t>(*tiles.gemm, tiles.gemm->scale_tiles_wide, random, [&] {
      const uint64_t word = uint64_t{random()} << 32 | random();
      return static_cast<int64_t>(word) >> (1 + random() % 60);
    });
  }
}

TEST_CASE("tiles: int64 sums become the nearest float64, halves to even") {
  constexpr int64_t kTwo53 = int64_t{1} << 53;
  const int64_t sums[kPanelColumns] = {0,
                                       -1,
                                       kTwo53 + 1,
                                       -kTwo53 - 1,
                                       kTwo53 + 3,
                                       kTwo53 * 4 + 6,
                                       INT64_MAX,
                                       INT64_MIN,
                                       1LL << 32,
                                       -(1LL << 32),
                                       (1LL << 32) - 1,
                                       2147483648LL,
                                       -2147483649LL,
                                       kTwo53 * 2 + 3,
                                       kTwo53 - 1,
                                       4294967296LL * 3 - 1};
  const int64_t corrections[kPanelColumns] = {};
  double scales[kPanelColumns];
  std::fill_n(scales, kPanelColumns, 0x1p-40);
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    float out[kPanelColumns];
    tiles.gemm->scale_tiles_wide({sums, 0, 1, kPanelColumns, corrections, scales, out, nullptr, 0});
    for (int c = 0; c < kPanelColumns; ++c) {
      CAPTURE(sums[c]);
      CHECK(out[c] == static_cast<float>(static_cast<double>(sums[c]) * 0x1p-40));
    }
  }
}

namespace {

template <typename Level, typename Lhs>
void check_packing(int rows, kernels::PackFn<Level, Lhs> pack, int bias, std::mt19937& random) {
  constexpr int kStep = kGroup<Lhs>;
  for (int64_t groups = 0; groups < 6; ++groups)
    for (int64_t tiles = 0; tiles < 4; ++tiles) {
      const int64_t term_stride = tiles * rows + static_cast<int64_t>(random() % 3);
      const int64_t room = 64 / static_cast<int64_t>(sizeof(Lhs));
      const int64_t tile_stride = groups * rows * kStep + room;
      std::vector<Level> source(static_cast<size_t>(groups * kStep * term_stride + 16));
      for (Level& value : source) value = static_cast<Level>(random() & 0x7FFF);
      if (bias) source[0] = static_cast<Level>(65535);
      std::vector<Lhs> out(static_cast<size_t>(tiles * tile_stride + room));
      pack({source.data(), term_stride, groups, tiles, out.data(), tile_stride});
      bool equal = true;
      for (int64_t t = 0; t < tiles; ++t)
        for (int64_t g = 0; g < groups; ++g)
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < kStep; ++i)
              equal =
                  equal &&
                  static_cast<float>(out[static_cast<size_t>(t * tile_stride + (g * rows + r) * kStep + i)]) ==
                      static_cast<float>(source[static_cast<size_t>((g * kStep + i) * term_stride + t * rows + r)]) -
                          static_cast<float>(bias);
      CAPTURE(groups);
      CAPTURE(tiles);
      CHECK(equal);
    }
}

}  // namespace

TEST_CASE("tiles: rows that lie side by side are packed for them") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(6);
    const kernels::PackKernels& pack = tiles.gemm->pack;
    check_packing(tiles.gemm->rows, pack.floats, 0, random);
    check_packing(tiles.gemm->rows, pack.bytes, 0, random);
    check_packing(tiles.gemm->rows, pack.widened, 0, random);
    check_packing(tiles.gemm->rows, pack.words, 0, random);
    check_packing(tiles.gemm->rows, pack.centered, 32768, random);
  }
}

TEST_CASE("tiles: runs are added in int64, and levels widened, as their formulas say") {
  for (const Tiles& tiles : all_tiles()) {
    CAPTURE(tiles.name);
    std::mt19937 random(5);
    for (int64_t count = 0; count < 70; ++count)
      for (const int factor : {1, 256}) {
        std::vector<int32_t> sums(static_cast<size_t>(count));
        std::vector<int64_t> totals(sums.size()), expected;
        for (int32_t& sum : sums) sum = static_cast<int32_t>(random());
        for (int64_t& total : totals) total = static_cast<int64_t>(random()) << 20;
        for (size_t i = 0; i < sums.size(); ++i) expected.push_back(totals[i] + int64_t{sums[i]} * factor);
        tiles.gemm->add_wide(totals.data(), sums.data(), count, factor);
        CHECK(totals == expected);
      }
    std::vector<uint16_t> words(65536);
    std::vector<uint8_t> bytes(256);
    for (size_t i = 0; i < words.size(); ++i) words[i] = static_cast<uint16_t>(i);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    std::vector<int16_t> out(words.size());
    tiles.gemm->center(words.data(), 65536, out.data());
    for (int i = 0; i < 65536; ++i) REQUIRE(out[static_cast<size_t>(i)] == i - 32768);
    tiles.gemm->widen(bytes.data(), 256, out.data());
    for (int i = 0; i < 256; ++i) REQUIRE(out[static_cast<size_t>(i)] == i);
  }
}
