#include "quant/plan/plan.h"

#include <charconv>

#include "engine/check.h"

namespace fqt::quant {
namespace {

Plan parse_fp32(std::string_view text, std::string_view arguments) {
  check(arguments.empty(), "[plan] 'fp32' takes no bits: '{}'", text);
  return {std::string(text), true, 32};
}

Plan parse_uniform(std::string_view text, std::string_view arguments) {
  int bits = 0;
  const char* end = arguments.data() + arguments.size();
  const auto [stop, error] = std::from_chars(arguments.data(), end, bits);
  check(!arguments.empty() && error == std::errc() && stop == end,
        "[plan] '{}': U takes one whole number of bits, as in U:6", text);
  check(bits >= kMinBits && bits <= kMaxBits, "[plan] '{}': {} bits; give a width from {} to {}", text, bits, kMinBits,
        kMaxBits);
  return {std::string(text), false, bits};
}

constexpr Strategy kStrategies[] = {
    {"fp32", "fp32", parse_fp32},
    {"U", "U:BITS", parse_uniform},
};

}  // namespace

std::span<const Strategy> strategies() { return kStrategies; }

Plan parse_plan(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view arguments = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  std::string known;
  for (const Strategy& strategy : kStrategies) {
    if (strategy.name == name) return strategy.parse(text, arguments);
    known += (known.empty() ? "" : ", ") + std::string(strategy.usage);
  }
  fail(ErrorKind::usage, "[plan] '{}': no strategy '{}'; known: {}", text, name, known);
}

PrecisionTable make_precision_table(const Plan& plan, const Recipe& recipe, const std::vector<Site*>& sites) {
  const Precision planned = plan.is_float ? Precision{} : recipe.precision(plan.bits);
  PrecisionTable table;
  for (const Site* site : sites) {
    const bool left_out = (site->role == SiteRole::first && !recipe.quantize_first) ||
                          (site->role == SiteRole::head && !recipe.quantize_head);
    table.set(site->name, left_out ? Precision{} : planned);
  }
  return table;
}

}  // namespace fqt::quant
