// The loops that turn float values into levels, on every instruction set, against their contracts written with the
// standard library.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "engine/kernels/table.h"
#include "engine/random.h"
#include "support/special_values.h"

using namespace fqt;
using kernels::CodeKernels;
using kernels::Extremes;
using kernels::GridSpec;
using kernels::Rounding;
using test::kInfinity;
using test::kNan;

namespace {

constexpr float kHuge = std::numeric_limits<float>::max();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();

/// Calls body(code kernels) for every instruction set of this processor.
template <typename Body>
void on_each_code_kernels(const Body& body) {
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    CAPTURE(isa.name);
    body(isa.table().codes);
  }
}

/// The contracts of the four roundings, in float64: x / scale is rounded to float32 and clamped first.
int level(Rounding rounding, float x, const GridSpec& grid, uint16_t word) {
  const double v =
      std::clamp(x / grid.scale, static_cast<float>(-grid.zero), static_cast<float>(grid.max_level - grid.zero));
  const double up = word + 0.5 < 65536 * (v - std::floor(v)) ? 1 : 0;
  const double rounded[] = {std::nearbyint(v), std::round(v), std::trunc(v), std::floor(v) + up};
  return static_cast<int>(rounded[static_cast<int>(rounding)]) + grid.zero;
}

constexpr Rounding kAll[] = {Rounding::nearest, Rounding::nearest_away, Rounding::toward_zero, Rounding::stochastic};
static_assert(std::size(kAll) == kernels::kRoundings);

/// Calls the kernel of `rounding` for this type of level.
template <typename Level>
void quantize(const CodeKernels& codes, Rounding rounding, const float* x, size_t count, const GridSpec& grid,
              const uint16_t* words, Level* levels) {
  const kernels::QuantizeKernels& kernels = codes.quantize[static_cast<int>(rounding)];
  if constexpr (sizeof(Level) == 1)
    kernels.narrow(x, static_cast<int64_t>(count), &grid, words, levels);
  else
    kernels.wide(x, static_cast<int64_t>(count), &grid, words, levels);
}

/// Levels, halves between them, the floats next to both, and what lies far outside, beneath and at zero.
std::vector<float> adversarial(const GridSpec& grid) {
  std::vector<float> values{0.0f, -0.0f, kHuge, -kHuge, kTiny, -kTiny, kInfinity, -kInfinity, 1e-30f, -1e-30f, 1e30f};
  for (int half = -2 * grid.zero - 4; half <= 2 * (grid.max_level - grid.zero) + 4; ++half) {
    const float value = static_cast<float>(half) * 0.5f * grid.scale;
    values.insert(values.end(), {value, std::nextafter(value, kInfinity), std::nextafter(value, -kInfinity)});
  }
  return values;
}

/// Grids of so many levels, with zero at either end and between, and scales from the smallest to the largest.
std::vector<GridSpec> grids(std::initializer_list<int> tops) {
  std::vector<GridSpec> all;
  for (const int top : tops)
    for (const int zero : {0, 1, top / 2, top})
      for (const float scale : {1.0f, 0.1f, 3e-7f, kTiny, 1e-38f, 2.5e36f, 1.3e38f}) all.push_back({scale, zero, top});
  return all;
}

}  // namespace

TEST_CASE("codes: extremes of every length and alignment, joined with what was known") {
  std::mt19937 random(1);
  std::vector<float> values(80);
  for (float& value : values) value = static_cast<float>(static_cast<int32_t>(random()));
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (size_t start = 0; start < 8; ++start)
      for (size_t count = 0; count <= 70; ++count) {
        const float* x = values.data() + start;
        Extremes extremes{0.25f, 0.5f, true};
        codes.extremes(x, static_cast<int64_t>(count), &extremes);
        float low = 0.25f, high = 0.5f;
        for (size_t i = 0; i < count; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
        CAPTURE(start);
        CAPTURE(count);
        CHECK((extremes.low == low && extremes.high == high && extremes.finite));
      }
  });
}

TEST_CASE("codes: NaN and infinity are noticed wherever they stand, and the largest float is finite") {
  on_each_code_kernels([&](const CodeKernels& codes) {
    int missed = 0, invented = 0;
    for (size_t count = 1; count <= 70; ++count) {
      std::vector<float> values(count, kHuge);
      values[0] = -kHuge;
      Extremes clean{0, 0, true};
      codes.extremes(values.data(), static_cast<int64_t>(count), &clean);
      invented += !clean.finite;
      for (size_t at = 0; at < count; ++at)
        for (const float bad : {kNan, kInfinity, -kInfinity}) {
          const float good = std::exchange(values[at], bad);
          Extremes extremes{0, 0, true};
          codes.extremes(values.data(), static_cast<int64_t>(count), &extremes);
          missed += extremes.finite;
          values[at] = good;
        }
    }
    CHECK(missed == 0);
    CHECK(invented == 0);
    Extremes before{0, 0, false};  // once found, never forgotten
    const float one = 1;
    codes.extremes(&one, 1, &before);
    CHECK_FALSE(before.finite);
  });
}

namespace {

template <typename Level>
void check_adversarial(const GridSpec& grid) {
  std::mt19937 random(2);
  const std::vector<float> values = adversarial(grid);
  std::vector<uint16_t> words(values.size());
  for (uint16_t& word : words) word = static_cast<uint16_t>(random() % 3 ? random() : random() % 2 * 65535);
  CAPTURE(grid.scale);
  CAPTURE(grid.zero);
  CAPTURE(grid.max_level);
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (const Rounding rounding : kAll) {
      std::vector<Level> levels(values.size());
      quantize(codes, rounding, values.data(), values.size(), grid, words.data(), levels.data());
      int wrong = 0;
      for (size_t i = 0; i < values.size(); ++i) wrong += levels[i] != level(rounding, values[i], grid, words[i]);
      CAPTURE(static_cast<int>(rounding));
      CHECK(wrong == 0);
    }
  });
}

}  // namespace

TEST_CASE("codes: every rounding of adversarial values, on grids of every size") {
  for (const GridSpec& grid : grids({3, 14, 63, 254, 255})) check_adversarial<uint8_t>(grid);
  for (const GridSpec& grid : grids({3, 511, 4094})) check_adversarial<uint16_t>(grid);
  for (const float scale : {1.0f, 0.1f, 1e-38f})
    for (const int zero : {0, 32767, 65535}) check_adversarial<uint16_t>({scale, zero, 65535});
}

TEST_CASE("codes: ties, by hand") {
  const GridSpec grid{0.5f, 4, 8};
  const float x[] = {-0.75f, -0.25f, 0.25f, 0.75f, 1.25f};  // -1.5, -0.5, 0.5, 1.5, 2.5 steps
  const int expected[3][5] = {{-2, 0, 0, 2, 2}, {-2, -1, 1, 2, 3}, {-1, 0, 0, 1, 2}};
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (int rounding = 0; rounding < 3; ++rounding) {
      uint8_t levels[5];
      quantize(codes, static_cast<Rounding>(rounding), x, 5, grid, nullptr, levels);
      for (int i = 0; i < 5; ++i) CHECK(levels[i] - 4 == expected[rounding][i]);
    }
  });
}

TEST_CASE("codes: levels of every length and alignment, and nothing written past them") {
  std::mt19937 random(3);
  const GridSpec grid{0.37f, 20, 63};
  std::vector<float> values(80);
  std::vector<uint16_t> words(80);
  for (float& value : values) value = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f * 30;
  for (uint16_t& word : words) word = static_cast<uint16_t>(random());
  const auto check = [&]<typename Level>(const CodeKernels& codes, Rounding rounding, Level untouched) {
    int wrong = 0;
    for (size_t start = 0; start < 8; ++start)
      for (size_t count = 0; count <= 70; ++count) {
        std::vector<Level> levels(72, untouched), expected = levels;
        for (size_t i = 0; i < count; ++i)
          expected[i] = static_cast<Level>(level(rounding, values[start + i], grid, words[start + i]));
        quantize(codes, rounding, values.data() + start, count, grid, words.data() + start, levels.data());
        wrong += levels != expected;
      }
    CHECK(wrong == 0);
  };
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (const Rounding rounding : kAll) {
      check(codes, rounding, uint8_t{99});
      check(codes, rounding, uint16_t{999});
    }
  });
}

TEST_CASE("codes: a fraction of k/256 rounds up for exactly 256 k of the 65536 words") {
  std::vector<uint16_t> words(65536);
  for (size_t i = 0; i < words.size(); ++i) words[i] = static_cast<uint16_t>(i);
  const auto check = [&]<typename Level>(const CodeKernels& codes, const GridSpec& grid, int k, int floor, Level) {
    const std::vector<float> values(words.size(),
                                    (static_cast<float>(floor) + static_cast<float>(k) / 256) * grid.scale);
    std::vector<Level> levels(words.size());
    quantize(codes, Rounding::stochastic, values.data(), values.size(), grid, words.data(), levels.data());
    const auto down = std::count(levels.begin(), levels.end(), floor + grid.zero);
    const auto up = std::count(levels.begin(), levels.end(), floor + grid.zero + 1);
    CAPTURE(k);
    CAPTURE(floor);
    CHECK((up == 256 * k && up + down == 65536));
  };
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (int k = 0; k < 256; ++k) {
      check(codes, {0.5f, 7, 15}, k, -1, uint8_t{});
      check(codes, {0.5f, 32768, 65535}, k, 32766, uint16_t{});  // as far from 0 as 16 bits reach
      if (k % 16 != 0) continue;
      for (const int floor : {-7, 0, 3}) check(codes, {0.5f, 7, 15}, k, floor, uint8_t{});
    }
  });
}

TEST_CASE("codes: random words are Philox's, low halves first, also where the block passes 2^32") {
  constexpr uint16_t kUntouched = 0xABCD;
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0x299f31d0a4093822}, ~uint64_t{0}})
      for (const uint64_t stream : {uint64_t{0}, uint64_t{0x0370734413198a2e}, uint64_t{1} << 32, ~uint64_t{0}})
        for (const uint64_t first : {uint64_t{0}, uint64_t{5}, (uint64_t{1} << 32) - 7, (uint64_t{1} << 40) - 9})
          for (const int64_t blocks : {0, 1, 3, 15, 16, 17, 33, 50}) {
            std::vector<uint16_t> words(static_cast<size_t>(blocks * 8 + 1), kUntouched), expected = words;
            for (int64_t b = 0; b < blocks; ++b) {
              const auto block = philox({seed, stream}, first + static_cast<uint64_t>(b));
              for (size_t i = 0; i < 8; ++i)
                expected[static_cast<size_t>(b) * 8 + i] = static_cast<uint16_t>(block[i / 2] >> (16 * (i % 2)));
            }
            codes.random_words({seed, stream}, first, blocks, words.data());
            CAPTURE(first);
            CAPTURE(blocks);
            CHECK(words == expected);
          }
  });
}

TEST_CASE("codes: rounding that draws its own words is rounding by the words of the stream") {
  std::mt19937 random(3);
  std::vector<float> values(300);
  for (float& value : values) value = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-28f;
  const kernels::NoiseStream stream{7, uint64_t{5} << 33};
  const auto check = [&]<typename Level>(const CodeKernels& codes, const GridSpec& grid, Level, uint64_t first,
                                         size_t count) {
    std::vector<uint16_t> words(320);
    codes.random_words(stream, first / 8, 40, words.data());
    std::vector<Level> expected(count + 1, Level{99}), levels = expected;
    quantize(codes, Rounding::stochastic, values.data(), count, grid, words.data() + first % 8, expected.data());
    const auto& drawn = codes.quantize_drawn;
    if constexpr (sizeof(Level) == 1)
      drawn.narrow(values.data(), static_cast<int64_t>(count), &grid, stream, first, levels.data());
    else
      drawn.wide(values.data(), static_cast<int64_t>(count), &grid, stream, first, levels.data());
    CAPTURE(first);
    CAPTURE(count);
    CHECK(levels == expected);
  };
  on_each_code_kernels([&](const CodeKernels& codes) {
    for (const uint64_t base : {uint64_t{0}, uint64_t{8} * ((uint64_t{1} << 32) - 9)})
      for (uint64_t skip = 0; skip < 8; ++skip)
        for (const size_t count : {0, 1, 5, 7, 8, 9, 63, 64, 65, 71, 72, 128, 199, 264, 290}) {
          check(codes, {0.25f, 7, 15}, uint8_t{}, base + skip, count);
          check(codes, {0x1p-12f, 30000, 65535}, uint16_t{}, base + skip, count);
        }
  });
}
