#include "engine/random.h"

#include <Random123/philox.h>

#include <cmath>
#include <numeric>
#include <utility>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/math.h"
#include "engine/parallel.h"

namespace fqt {
namespace {

uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t high(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

}  // namespace

RandomKey random_key(uint64_t seed, std::initializer_list<uint64_t> purpose) {
  return {seed, hash_bytes(std::as_bytes(std::span(purpose.begin(), purpose.size())))};
}

std::array<uint32_t, 4> philox(const RandomKey& key, uint64_t block) {
  const r123::Philox4x32::ctr_type counter{{low(block), high(block), low(key.stream), high(key.stream)}};
  const r123::Philox4x32::key_type seed{{low(key.seed), high(key.seed)}};
  const auto words = r123::Philox4x32()(counter, seed);
  return {words[0], words[1], words[2], words[3]};
}

uint32_t random_word(const RandomKey& key, uint64_t index) { return philox(key, index / 4)[index % 4]; }

float random_uniform(const RandomKey& key, uint64_t index) {
  return static_cast<float>(random_word(key, index) >> 8) * 0x1p-24f;
}

uint32_t random_below(const RandomKey& key, uint64_t index, uint32_t bound) {
  return high(uint64_t{random_word(key, index)} * bound);
}

void fill_normal(const RandomKey& key, float standard_deviation, std::span<float> out) {
  const int64_t count = static_cast<int64_t>(out.size());
  parallel_for((count + 1) / 2, 1 << 10, [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) {
      const std::array<uint32_t, 4> words = philox(key, static_cast<uint64_t>(pair / 2));
      const uint32_t* const word = words.data() + 2 * (pair % 2);
      const double uniform = (word[0] + 1.0) * 0x1p-32;  // in (0, 1]: its logarithm is finite
      const double radius = standard_deviation * std::sqrt(-2.0 * math::log(uniform));
      const double turns = word[1] * 0x1p-32;
      out[static_cast<size_t>(2 * pair)] = static_cast<float>(radius * math::cos_turns(turns));
      if (2 * pair + 1 < count)
        out[static_cast<size_t>(2 * pair + 1)] = static_cast<float>(radius * math::sin_turns(turns));
    }
  });
}

void fill_uniform(const RandomKey& key, float bound, std::span<float> out) {
  const int64_t count = static_cast<int64_t>(out.size());
  parallel_for((count + 3) / 4, 1 << 10, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const std::array<uint32_t, 4> words = philox(key, static_cast<uint64_t>(block));
      for (int64_t i = 4 * block; i < std::min(count, 4 * block + 4); ++i) {
        const float uniform = static_cast<float>(words[static_cast<size_t>(i % 4)] >> 8) * 0x1p-24f;
        out[static_cast<size_t>(i)] = bound * (2.0f * uniform - 1.0f);
      }
    }
  });
}

std::vector<int64_t> random_permutation(const RandomKey& key, int64_t count) {
  check(count >= 0 && count < int64_t{1} << 32, "[random_permutation] count is {}, expected 0 to 2^32 - 1", count);
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random_below(key, i - 1, static_cast<uint32_t>(i))]);
  return order;
}

}  // namespace fqt
