#include "quant/precision.h"

#include <array>
#include <utility>

#include "engine/check.h"

namespace fqt::quant {
namespace {

constexpr std::array<std::pair<std::string_view, Rounding>, 2> kRoundings{
    {{"nearest", Rounding::nearest}, {"stochastic", Rounding::stochastic}}};

}  // namespace

Rounding parse_rounding(std::string_view name) {
  for (const auto& [known, rounding] : kRoundings)
    if (known == name) return rounding;
  fail(ErrorKind::usage, "[rounding] no rounding '{}'; known: nearest, stochastic", name);
}

std::string_view rounding_name(Rounding rounding) {
  for (const auto& [name, known] : kRoundings)
    if (known == rounding) return name;
  return "?";
}

Precision Recipe::precision(int bits) const {
  return {{&find_format(lhs_format), bits, lhs_rounding},
          {&find_format(rhs_format), bits, rhs_rounding},
          {&find_format(grad_format), bits, grad_rounding}};
}

const Precision& PrecisionTable::at(const std::string& site) const {
  const auto found = rows_.find(site);
  if (found == rows_.end()) fail(ErrorKind::internal, "[precision] the table has no row for site '{}'", site);
  return found->second;
}

}  // namespace fqt::quant
