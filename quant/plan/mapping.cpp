#include "quant/plan/mapping.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/check.h"
#include "engine/find.h"
#include "engine/math.h"

namespace fqt::quant {
namespace {

constexpr Mapping kMappings[] = {
    {"grouped", "equal values share a group; groups are spaced evenly", map_grouped},
    {"linear", "proportional to the value", map_linear},
    {"logarithmic", "proportional to its logarithm", map_logarithmic},
    {"ranked", "evenly by rank, layer by layer", map_ranked},
};

/// low + (high - low) * part / whole, or the midpoint where whole is 0, rounded as mapping.h says.
int place(double part, double whole, int low, int high) {
  const double middle = (high - low) / 2.0, rise = whole > 0 ? (high - low) * part / whole : middle;
  return low + static_cast<int>(rise < middle ? std::ceil(rise - 0.5) : std::floor(rise + 0.5));
}

}  // namespace

std::span<const Mapping> mappings() { return kMappings; }

const Mapping& find_mapping(std::string_view name) { return find_row(kMappings, name, "plan", "mapping"); }

std::vector<int> map_grouped(std::span<const double> values, int low, int high) {
  std::vector<double> groups(values.begin(), values.end());
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  std::vector<int> bits;
  for (const double value : values) {
    const auto group = std::lower_bound(groups.begin(), groups.end(), value) - groups.begin();
    bits.push_back(place(static_cast<double>(group), static_cast<double>(groups.size()) - 1, low, high));
  }
  return bits;
}

std::vector<int> map_linear(std::span<const double> values, int low, int high) {
  std::vector<int> bits;
  if (values.empty()) return bits;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  for (const double value : values) bits.push_back(place(value - *least, *greatest - *least, low, high));
  return bits;
}

std::vector<int> map_logarithmic(std::span<const double> values, int low, int high) {
  std::vector<double> logarithms;
  for (const double value : values) {
    check(value > 0, "[plan] the mapping 'logarithmic' needs positive values, not {}", value);
    logarithms.push_back(math::log(value));
  }
  return map_linear(logarithms, low, high);
}

std::vector<int> map_ranked(std::span<const double> values, int low, int high) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<int> bits(values.size());
  for (size_t rank = 0; rank < order.size(); ++rank)
    bits[order[rank]] = place(static_cast<double>(rank), static_cast<double>(order.size()) - 1, low, high);
  return bits;
}

}  // namespace fqt::quant
