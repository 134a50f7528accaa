#include "quant/rounding.h"

#include <iterator>

#include "engine/find.h"

namespace fqt::quant {
namespace {

struct Row {
  std::string_view name;
  Rounding rounding;
};

/// In the order of Rounding.
constexpr Row kRows[] = {
    {"nearest", Rounding::nearest},
    {"nearest_away", Rounding::nearest_away},
    {"toward_zero", Rounding::toward_zero},
    {"stochastic", Rounding::stochastic},
};
static_assert(std::size(kRows) == kernels::kRoundings);

}  // namespace

Rounding parse_rounding(std::string_view name) { return find_row(kRows, name, "rounding", "rounding").rounding; }

std::string_view rounding_name(Rounding rounding) { return kRows[static_cast<int>(rounding)].name; }

std::string known_roundings() { return names_of(kRows); }

}  // namespace fqt::quant
