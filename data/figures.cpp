#include "data/figures.h"

#include <algorithm>
#include <cmath>

namespace fqt::data {
namespace {

bool disc(float x, float y) { return x * x + y * y <= 0.81f; }

bool ring(float x, float y) {
  const float square = x * x + y * y;
  return square <= 1.0f && square >= 0.36f;
}

bool square(float x, float y) { return std::max(std::fabs(x), std::fabs(y)) <= 0.8f; }

bool triangle(float x, float y) { return y <= 0.55f && 0.8660254f * std::fabs(x) - 0.5f * y <= 0.55f; }

bool plus(float x, float y) {
  const float u = std::fabs(x), v = std::fabs(y);
  return std::min(u, v) <= 0.28f && std::max(u, v) <= 0.95f;
}

/// Five lines bound a pentagram: its heart lies on the inner side of all of them, its points of all but one.
bool star(float x, float y) {
  constexpr float kInner = 0.37f;
  const int inside = (y <= kInner) + (0.9510565f * x + 0.3090170f * y <= kInner) +
                     (-0.9510565f * x + 0.3090170f * y <= kInner) + (0.5877853f * x - 0.8090170f * y <= kInner) +
                     (-0.5877853f * x - 0.8090170f * y <= kInner);
  return inside >= 4;
}

bool crescent(float x, float y) {
  const float u = x - 0.5f;
  return x * x + y * y <= 1.0f && u * u + y * y >= 0.5625f;
}

/// The sextic (x^2 + y^2 - 1)^3 = x^2 y^3.
bool heart(float x, float y) {
  const float u = 1.2f * x, v = -1.2f * y;
  const float s = u * u + v * v - 1.0f;
  return s * s * s <= u * u * v * v * v;
}

bool arrow(float x, float y) {
  const float u = std::fabs(x);
  return y < -0.1f ? y >= -1.0f && u <= 0.9f * (y + 1.0f) : y <= 1.0f && u <= 0.24f;
}

bool bars(float x, float y) {
  const float u = std::fabs(x);
  return std::fabs(y) <= 0.85f && (u <= 0.19f || (u >= 0.52f && u <= 0.9f));
}

constexpr Figure kFigures[] = {
    {"disc", disc}, {"ring", ring},         {"square", square}, {"triangle", triangle}, {"plus", plus},
    {"star", star}, {"crescent", crescent}, {"heart", heart},   {"arrow", arrow},       {"bars", bars},
};

}  // namespace

std::span<const Figure> figures() { return kFigures; }

}  // namespace fqt::data
