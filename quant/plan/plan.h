#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/precision.h"
#include "quant/site.h"

namespace fqt::quant {

/// Bits by site, from a text such as "U:6" or "fp32".
struct Plan {
  std::string text;
  bool is_float = true;
  int bits = 32;
};

/// A kind of plan: the word before the colon.
struct Strategy {
  std::string_view name;
  std::string_view usage;  ///< "U:BITS"
  Plan (*parse)(std::string_view text, std::string_view arguments);
};

/// fp32, U. Every error lists this table.
std::span<const Strategy> strategies();

/// Error(usage) that names the part of the text that does not parse and what would.
Plan parse_plan(std::string_view text);

/// The precision table of a model's sites under a plan and a recipe. Sites the recipe leaves out are fp32.
PrecisionTable make_precision_table(const Plan& plan, const Recipe& recipe, const std::vector<Site*>& sites);

}  // namespace fqt::quant
