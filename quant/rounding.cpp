#include "quant/rounding.h"

#include "engine/check.h"

namespace fqt::quant {
namespace {

constexpr std::string_view kNames[kernels::kRoundings] = {"nearest", "nearest_away", "toward_zero", "stochastic"};

}  // namespace

Rounding parse_rounding(std::string_view name) {
  for (int i = 0; i < kernels::kRoundings; ++i)
    if (kNames[i] == name) return static_cast<Rounding>(i);
  fail(ErrorKind::usage, "[rounding] no rounding '{}'; known: {}", name, known_roundings());
}

std::string_view rounding_name(Rounding rounding) { return kNames[static_cast<int>(rounding)]; }

std::string known_roundings() {
  std::string known;
  for (const std::string_view name : kNames) known += (known.empty() ? "" : ", ") + std::string(name);
  return known;
}

}  // namespace fqt::quant
