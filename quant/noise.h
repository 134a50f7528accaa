#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/random.h"

namespace fqt::quant {

struct Site;

/// What an operand's random numbers are named by. A number never changes its meaning: it decides a run's bits.
enum class NoiseOf : uint64_t { lhs = 0, rhs = 1, grad = 2, grad_again = 3, rhs_again = 4, lhs_again = 5 };

/// The random numbers of stochastic rounding: element i takes the 16-bit word i of a stream, or of `words` where they
/// are given, so that a test decides each draw.
struct Noise {
  Noise() = default;
  Noise(const RandomKey& stream) : key(stream) {}  // NOLINT: a stream is a source of noise
  explicit Noise(std::span<const uint16_t> given) : words(given) {}

  RandomKey key;
  std::optional<std::span<const uint16_t>> words;
};

/// Gives the words of products in place of their streams. It must outlive the tape: gradients ask, too.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  /// A word for each element of an operand that is rounded stochastically, in the order of its tensor, valid until the
  /// next call. Nothing: the operand's own stream.
  virtual std::optional<std::span<const uint16_t>> words(const Site& site, NoiseOf operand) = 0;
};

}  // namespace fqt::quant
