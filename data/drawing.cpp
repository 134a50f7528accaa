#include "data/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

// IEEE operations alone (no sine for the angles, for one), so that an image has the same bytes everywhere.

namespace fqt::data {
namespace {

constexpr int kScene = 32;  ///< units a side

/// A point or a direction, in units; an image's centre is the origin.
struct Vector {
  float x, y;
};

using Colour = std::array<float, 3>;

/// Random numbers one after another from a stream.
class Draws {
 public:
  explicit Draws(const RandomKey& key) : key_(key) {}

  float between(float low, float high) { return low + (high - low) * random_uniform(key_, next_++); }
  uint32_t below(uint32_t bound) { return random_below(key_, next_++, bound); }
  Colour colour() { return {between(0, 255), between(0, 255), between(0, 255)}; }

  /// A unit vector: a rational point of the first eighth of the circle, turned or mirrored into one of the eight.
  Vector direction() {
    const float t = between(0.0f, 0.41421356f);
    float x = (1 - t * t) / (1 + t * t), y = 2 * t / (1 + t * t);
    const uint32_t eighth = below(8);
    if (eighth & 1) std::swap(x, y);
    return {eighth & 2 ? -x : x, eighth & 4 ? -y : y};
  }

 private:
  RandomKey key_;
  uint64_t next_ = 0;
};

/// A colour for every pixel: a base, a slope across the image, and faint stripes.
struct Paint {
  Colour base, slope, stripe;
  Vector along, across;

  Paint(Draws& draws, const Colour& colour) : base(colour) {
    for (float& s : slope) s = draws.between(-20.0f, 20.0f) / kScene;
    for (float& s : stripe) s = draws.between(-8.0f, 8.0f);
    along = draws.direction();
    across = draws.direction();
    const float frequency = draws.between(0.1f, 0.3f);  // stripes a unit
    across = {across.x * frequency, across.y * frequency};
  }

  Colour at(float x, float y) const {
    const float distance = along.x * x + along.y * y;
    const float turns = across.x * x + across.y * y;
    const float wave = 4.0f * std::fabs(turns - std::floor(turns) - 0.5f) - 1.0f;  // a triangle wave in [-1, 1]
    Colour colour;
    for (int c = 0; c < 3; ++c) colour[c] = base[c] + slope[c] * distance + stripe[c] * wave;
    return colour;
  }
};

/// Where the figure stands: the map from the scene to its own coordinates.
struct Pose {
  Vector centre, u, v;
  float reach;  ///< units from the centre beyond which the figure has no point

  explicit Pose(Draws& draws) {
    const float radius = draws.between(10.0f, 14.0f);
    const float slack = 16.0f - 0.9f * radius;
    centre.x = draws.between(-slack, slack);
    centre.y = draws.between(-slack, slack);
    const Vector turn = draws.direction();
    const float stretch = draws.between(0.9f, 1.0f);  // the shorter axis as a part of the longer one
    const float mirror = draws.below(2) ? 1.0f : -1.0f;
    u = {turn.x * mirror / (radius * stretch), turn.y * mirror / (radius * stretch)};
    v = {-turn.y / radius, turn.x / radius};
    reach = kFigureReach * radius;
  }
};

void blend(float* pixel, const Colour& colour, float part) {
  for (int c = 0; c < 3; ++c) pixel[c] += part * (colour[c] - pixel[c]);
}

/// side x side pixels of the scene.
struct Canvas {
  int side;
  float unit = static_cast<float>(kScene) / static_cast<float>(side);  ///< units a pixel
  std::vector<float> values = std::vector<float>(static_cast<size_t>(side) * static_cast<size_t>(side) * 3);
};

/// Calls visit(x, y, pixel) at least for the pixels whose centre (x, y) lies within `reach` of `centre` along both
/// axes.
template <typename Visit>
void for_pixels(Canvas& canvas, const Vector& centre, float reach, const Visit& visit) {
  const int side = canvas.side;
  const float middle = static_cast<float>(side - 1) / 2.0f, unit = canvas.unit;
  const auto first = [&](float at) { return std::clamp(static_cast<int>((at - reach) / unit + middle), 0, side); };
  const auto last = [&](float at) { return std::clamp(static_cast<int>((at + reach) / unit + middle) + 1, 0, side); };
  const int left = first(centre.x), right = last(centre.x), bottom = last(centre.y);
  for (int row = first(centre.y); row < bottom; ++row) {
    float* pixel = canvas.values.data() + (row * side + left) * 3;
    for (int column = left; column < right; ++column, pixel += 3) {
      visit((static_cast<float>(column) - middle) * unit, (static_cast<float>(row) - middle) * unit, pixel);
    }
  }
}

void draw_ground(Draws& draws, const Colour& colour, Canvas& canvas) {
  const Paint paint(draws, colour);
  for_pixels(canvas, {0, 0}, kScene, [&](float x, float y, float* pixel) {
    const Colour here = paint.at(x, y);
    std::copy(here.begin(), here.end(), pixel);
  });
}

/// Up to three small discs: edges that belong to no class.
void draw_distractors(Draws& draws, Canvas& canvas) {
  const uint32_t count = draws.below(4);
  for (uint32_t i = 0; i < count; ++i) {
    const Vector centre = {draws.between(-16.0f, 16.0f), draws.between(-16.0f, 16.0f)};
    const float reach = draws.between(2.0f, 3.5f);  // the outermost pixel fades out
    const Colour colour = draws.colour();
    for_pixels(canvas, centre, reach, [&](float x, float y, float* pixel) {
      const float dx = x - centre.x, dy = y - centre.y, square = dx * dx + dy * dy;
      if (square < reach * reach) blend(pixel, colour, std::min((reach - std::sqrt(square)) / canvas.unit, 1.0f));
    });
  }
}

/// Covers each pixel by the part of 2x2 samples that lie in the figure.
void draw_figure(Draws& draws, const Figure& figure, const Colour& colour, Canvas& canvas) {
  const Pose pose(draws);
  const Paint paint(draws, colour);
  // Of a sample from the pixel's centre; beyond a quarter of a pixel it blurs the edge.
  const float offset = draws.between(0.25f, 0.5f) * canvas.unit;
  const float reach = pose.reach + 1.0f;
  for_pixels(canvas, pose.centre, reach, [&](float x, float y, float* pixel) {
    const float dx = x - pose.centre.x, dy = y - pose.centre.y;
    if (dx * dx + dy * dy > reach * reach) return;
    int inside = 0;
    for (const float sy : {dy - offset, dy + offset}) {
      for (const float sx : {dx - offset, dx + offset}) {
        inside += figure.contains(pose.u.x * sx + pose.u.y * sy, pose.v.x * sx + pose.v.y * sy);
      }
    }
    if (inside > 0) blend(pixel, paint.at(x, y), static_cast<float>(inside) / 4);
  });
}

/// Rounds to bytes, with triangular noise in (-amplitude, amplitude): the sum of two bytes of a random word.
void develop(const RandomKey& noise, int amplitude, const Canvas& canvas, std::span<uint8_t> pixels) {
  const std::vector<float>& values = canvas.values;
  for (size_t i = 0; i < values.size(); i += 8) {
    const std::array<uint32_t, 4> words = philox(noise, i / 8);
    for (size_t j = 0; j < std::min<size_t>(8, values.size() - i); ++j) {
      const uint32_t half = words[j / 2] >> (16 * (j % 2));
      const int sum = static_cast<int>(half & 255) + static_cast<int>(half >> 8 & 255) - 255;
      const int value = static_cast<int>(values[i + j] + 0.5f) + ((amplitude * sum + 128) >> 8);
      pixels[i + j] = static_cast<uint8_t>(std::clamp(value, 0, 255));
    }
  }
}

/// Two colours that differ by at least 80 a channel on average, neither distinguished from the other.
void contrasting(Draws& draws, Colour& a, Colour& b) {
  float difference;
  do {
    a = draws.colour();
    b = draws.colour();
    difference = std::fabs(a[0] - b[0]) + std::fabs(a[1] - b[1]) + std::fabs(a[2] - b[2]);
  } while (difference < 240.0f);
}

}  // namespace

void draw_image(const Figure& figure, const RandomKey& scene, const RandomKey& noise, int side,
                std::span<uint8_t> pixels) {
  Draws draws(scene);
  Colour ground, foreground;
  contrasting(draws, ground, foreground);
  Canvas canvas{side};
  draw_ground(draws, ground, canvas);
  draw_distractors(draws, canvas);
  draw_figure(draws, figure, foreground, canvas);
  develop(noise, static_cast<int>(draws.below(25)), canvas, pixels);
}

}  // namespace fqt::data
