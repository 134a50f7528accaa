#include "engine/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "engine/check.h"
#include "engine/parallel.h"

using namespace fqt;
using Words = std::array<uint32_t, 4>;

TEST_CASE("random: Philox 4x32-10 gives the authors' known answers") {
  // Lines "philox4x32 10" of kat_vectors in Random123's tests; counter and key least significant word first.
  CHECK(philox({0, 0}, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~uint64_t{0}, ~uint64_t{0}}, ~uint64_t{0}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // The digits of pi.
  CHECK(philox({0x299f31d0a4093822, 0x0370734413198a2e}, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: words are the blocks' in order") {
  const RandomKey key = random_key(3, {1, 2});
  const Words block = philox(key, 5);
  for (uint64_t i = 0; i < 4; ++i) CHECK(random_word(key, 20 + i) == block[i]);
}

TEST_CASE("random: keys tell purposes, their order, their number and seeds apart") {
  const RandomKey key = random_key(1, {2, 3});
  CHECK(key.seed == 1);
  CHECK(key.stream == random_key(9, {2, 3}).stream);
  CHECK(key.stream != random_key(1, {3, 2}).stream);
  CHECK(key.stream != random_key(1, {2, 3, 0}).stream);
  CHECK(key.stream != random_key(1, {2}).stream);
  CHECK(random_word(key, 0) != random_word(random_key(9, {2, 3}), 0));
}

TEST_CASE("random: uniform values are multiples of 2^-24 below 1, with the mean and variance of U(0, 1)") {
  const RandomKey key = random_key(1, {1});
  const int count = 100000;
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const float value = random_uniform(key, static_cast<uint64_t>(i));
    REQUIRE((value >= 0 && value < 1 && std::ldexp(value, 24) == std::floor(std::ldexp(value, 24))));
    sum += value;
    squares += double{value} * value;
  }
  // Standard errors: sqrt(1/12 / 1e5) = 0.0009 and sqrt(4/45 / 1e5) = 0.0009. Four of them.
  CHECK(std::fabs(sum / count - 0.5) < 0.0037);
  CHECK(std::fabs(squares / count - 1.0 / 3) < 0.0038);
}

TEST_CASE("random: below reaches each integer equally often") {
  const RandomKey key = random_key(2, {7});
  std::array<int, 6> counts{};
  for (uint64_t i = 0; i < 60000; ++i) ++counts[random_below(key, i, 6)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);  // standard deviation 91
  CHECK(random_below(key, 0, 1) == 0);
}

TEST_CASE("random: normal values have the moments of N(0, 2^2), the same for every number of threads") {
  const RandomKey key = random_key(4, {});
  const int before = threads();
  std::vector<float> values(200001);
  set_threads(1);
  fill_normal(key, 2, values);
  std::vector<float> again(values.size());
  set_threads(3);
  fill_normal(key, 2, again);
  set_threads(before);
  CHECK(values == again);
  // A prefix holds the same numbers: only the index counts.
  std::vector<float> prefix(7);
  fill_normal(key, 2, prefix);
  CHECK(std::equal(prefix.begin(), prefix.end(), values.begin()));

  std::array<double, 5> moments{};
  for (const float value : values)
    for (int power = 1; power <= 4; ++power) moments[static_cast<size_t>(power)] += std::pow(value / 2, power) / 200001;
  // Standard errors of the moments 0, 1, 0, 3: sqrt(1, 2, 15, 96) / sqrt(2e5). Four of them.
  CHECK(std::fabs(moments[1]) < 0.009);
  CHECK(std::fabs(moments[2] - 1) < 0.013);
  CHECK(std::fabs(moments[3]) < 0.035);
  CHECK(std::fabs(moments[4] - 3) < 0.088);
}

TEST_CASE("random: a permutation holds every index once") {
  std::vector<int64_t> order = random_permutation(random_key(5, {}), 1000);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  CHECK(order == random_permutation(random_key(5, {}), 1000));
  CHECK(order != random_permutation(random_key(6, {}), 1000));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(order[static_cast<size_t>(i)] == i);
  CHECK(random_permutation({}, 0).empty());
  CHECK(random_permutation({}, 1) == std::vector<int64_t>{0});
  CHECK_THROWS_AS(random_permutation({}, -1), Error);
  CHECK_THROWS_AS(random_permutation({}, int64_t{1} << 32), Error);
}

TEST_CASE("random: the six permutations of three are equally likely") {
  std::map<std::vector<int64_t>, int> counts;
  for (uint64_t seed = 0; seed < 6000; ++seed) ++counts[random_permutation({seed, 0}, 3)];
  CHECK(counts.size() == 6);
  for (const auto& [order, count] : counts) CHECK(std::abs(count - 1000) < 120);  // standard deviation 29
}
