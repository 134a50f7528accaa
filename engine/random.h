#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace fqt {

/// Names one stream of random numbers. What a stream yields depends on the key and an index alone, never on who asked
/// first: draws may be made in any order and on any thread.
struct RandomKey {
  uint64_t seed = 0;    ///< the run's seed: the Philox key
  uint64_t stream = 0;  ///< what the numbers are for: the upper half of the Philox counter
};

/// The stream of a run set aside for a purpose, named by integers (step, hash of a site's name, operand, ...).
RandomKey random_key(uint64_t seed, std::initializer_list<uint64_t> purpose);

/// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) of key `key.seed` and counter
/// (block, key.stream), least significant words first.
std::array<uint32_t, 4> philox(const RandomKey& key, uint64_t block);

/// 32 bits: word index % 4 of block index / 4.
uint32_t random_word(const RandomKey& key, uint64_t index);
/// A multiple of 2^-24 in [0, 1), from the upper bits of random_word(key, index).
float random_uniform(const RandomKey& key, uint64_t index);
/// An integer in [0, bound), from random_word(key, index); uneven by less than bound * 2^-32.
uint32_t random_below(const RandomKey& key, uint64_t index, uint32_t bound);

/// Normal values of mean 0 (Box and Muller 1958): elements 2i and 2i + 1 come from words 2i and 2i + 1.
void fill_normal(const RandomKey& key, float standard_deviation, std::span<float> out);

/// Uniform values in [-bound, bound): element i from word i.
void fill_uniform(const RandomKey& key, float bound, std::span<float> out);

/// 0 .. count - 1 in random order (Fisher and Yates). Error(usage) unless 0 <= count < 2^32.
std::vector<int64_t> random_permutation(const RandomKey& key, int64_t count);

}  // namespace fqt
