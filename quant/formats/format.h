#pragma once

#include <span>
#include <string_view>

namespace fqt::quant {

/// Evenly spaced values that a tensor is rounded to: level i of 0 .. max_level stands for scale * (i - zero). Level
/// `zero` is real 0, exactly. In the terms of the field level i is the signed code i - centre: i - zero with zero point
/// 0 in a symmetric format, i - 2^(bits-1) with zero point zero - 2^(bits-1) in an affine one. Levels are the same
/// codes, counted from 0.
struct Grid {
  float scale = 1.0f;
  int zero = 0;
  int max_level = 0;

  float value(int level) const { return scale * static_cast<float>(level - zero); }
  /// The level whose code is 0.
  int centre() const { return (max_level + 1) / 2; }
  /// Of the codes: value = scale * (code - zero_point()).
  int zero_point() const { return zero - centre(); }
};

/// A number format: how a grid of 2^bits levels (or fewer) is laid over the range [low, high] of the values.
struct Format {
  std::string_view name;
  /// Null for fp32, the identity: values stay as they are.
  Grid (*fit)(float low, float high, int bits);

  bool is_float() const { return fit == nullptr; }
};

inline constexpr int kMinBits = 2;
inline constexpr int kMaxBits = 16;

/// fp32, symmetric, affine.
std::span<const Format> formats();
/// Error(usage) naming the known formats where there is none of this name.
const Format& find_format(std::string_view name);

// The rows of the table, one file each. `low` <= `high`, both finite; the range is widened to hold 0.
// A range of zeros has scale 1; a range of one value c has scale |c|, so that c too decodes exactly. Any other scale is
// at least 2^-126: a denormal one could be rounded down by a third, and clip the ends of its range.

/// The least float32 step of which `levels` reach `end` > 0: a grid of it clips nothing (docs/decisions/0007).
float covering_step(double end, int levels);

/// scale = the least float32 of which 2^(bits-1) - 1 reach max(|low|, |high|); 2^bits - 1 levels, zero in the middle.
Grid fit_symmetric(float low, float high, int bits);
/// scale = (high - low) / (2^bits - 1), zero = round(-low / scale), halves to even, with at least one level on each
/// side that holds values; scale then grows just so far that the grid covers low and high (docs/decisions/0007).
Grid fit_affine(float low, float high, int bits);

}  // namespace fqt::quant
