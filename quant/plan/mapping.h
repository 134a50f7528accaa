#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace fqt::quant {

/// How the values of a metric become bits from low to high, rising with the value.
struct Mapping {
  std::string_view name;
  std::string_view description;
  /// bits[i] for values[i].
  std::vector<int> (*bits)(std::span<const double> values, int low, int high);
};

/// grouped, linear, logarithmic, ranked.
std::span<const Mapping> mappings();
/// Error(usage) naming the known ones.
const Mapping& find_mapping(std::string_view name);

// All round halves away from the midpoint (low + high) / 2, so that a plan read from its other end is its mirror; the
// midpoint itself, where it is a half, goes up. A single group, or equal values, get the midpoint.

/// Equal values share a group; of G groups in rising order group i gets low + (high - low) * i / (G - 1).
std::vector<int> map_grouped(std::span<const double> values, int low, int high);
/// low + (high - low) * (value - least) / (greatest - least).
std::vector<int> map_linear(std::span<const double> values, int low, int high);
/// The same of the values' logarithms. Error(usage) for values that are not positive.
std::vector<int> map_logarithmic(std::span<const double> values, int low, int high);
/// Values in rising order, equal ones in the order they stand in: the i-th of n gets low + (high - low) * i / (n - 1).
std::vector<int> map_ranked(std::span<const double> values, int low, int high);

}  // namespace fqt::quant
