// The loops that turn float values into levels, on every instruction set, against their contracts written with the
// standard library.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "engine/kernels/table.h"
#include "engine/random.h"

using namespace fqt;
using kernels::CodeKernels;
using kernels::Extremes;
using kernels::GridSpec;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kHuge = std::numeric_limits<float>::max();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();

/// Calls body(code kernels) for every instruction set of this processor.
template <typename Body>
void for_each_isa(const Body& body) {
  for (const kernels::Isa& isa : kernels::all_isas()) {
    if (!isa.supported()) continue;
    CAPTURE(isa.name);
    body(isa.table().codes);
  }
}

int level_nearest(float x, const GridSpec& grid) {
  const float v =
      std::clamp(x / grid.scale, static_cast<float>(-grid.zero), static_cast<float>(grid.max_level - grid.zero));
  return static_cast<int>(std::nearbyint(v)) + grid.zero;  // halves to even
}

int level_stochastic(float x, const GridSpec& grid, uint16_t word) {
  const float v =
      std::clamp(x / grid.scale, static_cast<float>(-grid.zero), static_cast<float>(grid.max_level - grid.zero));
  const double fraction = double{v} - std::floor(double{v});
  return static_cast<int>(std::floor(v)) + grid.zero + (word + 0.5 < 65536 * fraction ? 1 : 0);
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

/// All widths, with zero at either end and between, and scales from the smallest to the largest.
std::vector<GridSpec> grids() {
  std::vector<GridSpec> all;
  for (const int top : {3, 14, 63, 254, 255})
    for (const int zero : {0, 1, top / 2, top})
      for (const float scale : {1.0f, 0.1f, 3e-7f, kTiny, 1e-38f, 2.5e36f, 1.3e38f}) all.push_back({scale, zero, top});
  return all;
}

}  // namespace

TEST_CASE("codes: extremes of every length and alignment, joined with what was known") {
  std::mt19937 random(1);
  std::vector<float> values(80);
  for (float& value : values) value = static_cast<float>(static_cast<int32_t>(random()));
  for_each_isa([&](const CodeKernels& codes) {
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
  for_each_isa([&](const CodeKernels& codes) {
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

TEST_CASE("codes: nearest and stochastic levels on adversarial values") {
  std::mt19937 random(2);
  for_each_isa([&](const CodeKernels& codes) {
    for (const GridSpec& grid : grids()) {
      const std::vector<float> values = adversarial(grid);
      const int64_t count = static_cast<int64_t>(values.size());
      std::vector<uint8_t> nearest(values.size()), stochastic(values.size());
      std::vector<uint16_t> words(values.size());
      for (uint16_t& word : words) word = static_cast<uint16_t>(random() % 3 ? random() : random() % 2 * 65535);
      codes.quantize_nearest(values.data(), count, &grid, nearest.data());
      codes.quantize_stochastic(values.data(), count, &grid, words.data(), stochastic.data());
      int wrong = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        wrong += nearest[i] != level_nearest(values[i], grid);
        wrong += stochastic[i] != level_stochastic(values[i], grid, words[i]);
      }
      CAPTURE(grid.scale);
      CAPTURE(grid.zero);
      CAPTURE(grid.max_level);
      CHECK(wrong == 0);
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
  for_each_isa([&](const CodeKernels& codes) {
    for (size_t start = 0; start < 8; ++start)
      for (size_t count = 0; count <= 70; ++count) {
        std::vector<uint8_t> nearest(72, 99), stochastic(72, 99), expected_nearest = nearest,
                                                                  expected_stochastic = nearest;
        for (size_t i = 0; i < count; ++i) {
          expected_nearest[i] = static_cast<uint8_t>(level_nearest(values[start + i], grid));
          expected_stochastic[i] = static_cast<uint8_t>(level_stochastic(values[start + i], grid, words[start + i]));
        }
        const int64_t length = static_cast<int64_t>(count);
        codes.quantize_nearest(values.data() + start, length, &grid, nearest.data());
        codes.quantize_stochastic(values.data() + start, length, &grid, words.data() + start, stochastic.data());
        CAPTURE(start);
        CAPTURE(count);
        CHECK(nearest == expected_nearest);
        CHECK(stochastic == expected_stochastic);
      }
  });
}

TEST_CASE("codes: a fraction of k/256 rounds up for exactly 256 k of the 65536 words") {
  std::vector<uint16_t> words(65536);
  for (size_t i = 0; i < words.size(); ++i) words[i] = static_cast<uint16_t>(i);
  std::vector<uint8_t> levels(words.size());
  const GridSpec grid{0.5f, 7, 15};
  for_each_isa([&](const CodeKernels& codes) {
    for (int k = 0; k < 256; ++k)
      for (const int floor : {-7, -1, 0, 3}) {
        const std::vector<float> values(words.size(), (static_cast<float>(floor) + static_cast<float>(k) / 256) * 0.5f);
        codes.quantize_stochastic(values.data(), 65536, &grid, words.data(), levels.data());
        const auto down = std::count(levels.begin(), levels.end(), floor + 7);
        const auto up = std::count(levels.begin(), levels.end(), floor + 8);
        CAPTURE(k);
        CAPTURE(floor);
        CHECK((up == 256 * k && up + down == 65536));
        if (floor != -1 && k % 16 != 0) break;  // one floor does for most fractions
      }
  });
}

TEST_CASE("codes: random words are Philox's, low halves first, also where the block passes 2^32") {
  constexpr uint16_t kUntouched = 0xABCD;
  for_each_isa([&](const CodeKernels& codes) {
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
            codes.random_words(seed, stream, first, blocks, words.data());
            CAPTURE(first);
            CAPTURE(blocks);
            CHECK(words == expected);
          }
  });
}
