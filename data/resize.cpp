#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine/check.h"

namespace fqt::data {
namespace {

constexpr int kBits = 16;

/// The pixels that one pixel of the result is a mean of.
struct Taps {
  int64_t first;
  std::vector<int32_t> weights;  ///< in units of 2^-16, 2^16 in all
};

Taps make_taps(double centre, double reach, int64_t count) {
  Taps taps;
  taps.first = std::clamp(static_cast<int64_t>(std::floor(centre - reach)), int64_t{0}, count - 1);
  const int64_t last = std::clamp(static_cast<int64_t>(std::floor(centre + reach)), taps.first, count - 1);
  std::vector<double> weights;
  double sum = 0;
  for (int64_t k = taps.first; k <= last; ++k) {
    weights.push_back(std::max(0.0, 1.0 - std::fabs(static_cast<double>(k) + 0.5 - centre) / reach));
    sum += weights.back();
  }
  int32_t left = 1 << kBits;
  for (const double weight : weights) {
    taps.weights.push_back(static_cast<int32_t>(std::floor(weight / sum * (1 << kBits) + 0.5)));
    left -= taps.weights.back();
  }
  *std::max_element(taps.weights.begin(), taps.weights.end()) += left;
  return taps;
}

std::vector<Taps> make_taps(double begin, double length, int64_t to, int64_t count) {
  const double scale = length / static_cast<double>(to), reach = std::max(scale, 1.0);
  std::vector<Taps> taps;
  for (int64_t i = 0; i < to; ++i)
    taps.push_back(make_taps(begin + (static_cast<double>(i) + 0.5) * scale, reach, count));
  return taps;
}

/// The mean of values `stride` apart.
uint8_t mean(const uint8_t* values, int64_t stride, const Taps& taps) {
  int32_t sum = 1 << (kBits - 1);
  for (const int32_t weight : taps.weights) {
    sum += weight * *values;
    values += stride;
  }
  return static_cast<uint8_t>(sum >> kBits);
}

}  // namespace

void resize(const Picture& picture, const Box& box, int64_t height, int64_t width, std::span<uint8_t> result) {
  const auto inside = [](double begin, double length, int64_t count) {
    return begin >= 0 && length > 0 && begin + length <= static_cast<double>(count) * (1 + 1e-12);
  };
  check(inside(box.top, box.height, picture.height) && inside(box.left, box.width, picture.width),
        "[resize] a box of {} x {} at ({}, {}) does not lie in a picture of {} x {}", box.width, box.height, box.left,
        box.top, picture.width, picture.height);
  check(height >= 1 && width >= 1 && static_cast<int64_t>(result.size()) == 3 * height * width,
        "[resize] {} bytes for a picture of {} x {}", result.size(), width, height);
  const std::vector<Taps> columns = make_taps(box.left, box.width, width, picture.width);
  const std::vector<Taps> rows = make_taps(box.top, box.height, height, picture.height);
  const int64_t first = rows.front().first, last = rows.back().first + static_cast<int64_t>(rows.back().weights.size());

  std::vector<uint8_t> narrow(static_cast<size_t>((last - first) * width * 3));
  uint8_t* to = narrow.data();
  for (int64_t y = first; y < last; ++y) {
    const uint8_t* row = picture.pixels.data() + y * picture.width * 3;
    for (const Taps& taps : columns)
      for (int64_t c = 0; c < 3; ++c) *to++ = mean(row + taps.first * 3 + c, 3, taps);
  }
  to = result.data();
  for (const Taps& taps : rows) {
    const uint8_t* row = narrow.data() + (taps.first - first) * width * 3;
    for (int64_t i = 0; i < width * 3; ++i) *to++ = mean(row + i, width * 3, taps);
  }
}

}  // namespace fqt::data
