#include <charconv>
#include <cstdlib>
#include <optional>

#include "engine/check.h"
#include "engine/find.h"
#include "quant/plan/plan.h"

namespace fqt::quant {
namespace {

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What stands before the first `mark`, which goes, too; all of it where there is none.
std::string_view cut(std::string_view& text, char mark) {
  const size_t at = text.find(mark);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

std::string usages() {
  std::string known;
  for (const Strategy& strategy : strategies()) known += (known.empty() ? "" : ", ") + std::string(strategy.usage);
  return known;
}

int parse_width(const Plan& plan, std::string_view text) {
  const std::optional<int> bits = whole_number(text);
  check(bits.has_value(), "[plan] '{}': '{}' is no whole number of bits; as in {}", plan.text, text,
        plan.strategy->example);
  check(*bits >= kMinBits && *bits <= kMaxBits, "[plan] '{}': {} bits; give a width from {} to {}", plan.text, *bits,
        kMinBits, kMaxBits);
  return *bits;
}

void parse_range(Plan& plan, std::string_view text) {
  const size_t dash = text.find('-');
  check(dash != std::string_view::npos, "[plan] '{}': '{}' is no range of bits; as in {}", plan.text, text,
        plan.strategy->example);
  plan.low = parse_width(plan, text.substr(0, dash));
  plan.high = parse_width(plan, text.substr(dash + 1));
  check(plan.low <= plan.high, "[plan] '{}': the range runs from {} down to {}; give the lower width first", plan.text,
        plan.low, plan.high);
}

/// "map=linear", "per=product", "depth=layer", "x=+1", "w=-1", "grad=+2"
void parse_option(Plan& plan, std::string_view option) {
  std::string_view value = option;
  const std::string_view name = cut(value, '=');
  const auto offset = [&](int& target) {
    const bool plus = value.starts_with('+') && !value.starts_with("+-");
    const std::optional<int> number = whole_number(value.substr(plus ? 1 : 0));
    check(number && std::abs(*number) <= kMaxBits - kMinBits,
          "[plan] '{}': {} is an offset to the bits, as in {}=+2, not '{}'", plan.text, name, name, value);
    target = *number;
  };
  const auto flag = [&](std::string_view on, std::string_view off, bool& target) {
    check(value == on || value == off, "[plan] '{}': {} is {} or {}, not '{}'", plan.text, name, off, on, value);
    target = value == on;
  };
  if (name == "map")
    plan.mapping = &find_mapping(value);
  else if (name == "per")
    flag("product", "layer", plan.per_product);
  else if (name == "depth")
    flag("layer", "stage", plan.depth_layer);
  else if (name == "x")
    offset(plan.lhs_offset);
  else if (name == "w")
    offset(plan.rhs_offset);
  else if (name == "grad")
    offset(plan.grad_offset);
  else
    fail(ErrorKind::usage, "[plan] '{}': no option '{}'; known: map=, per=, depth=, x=, w=, grad=", plan.text, option);
}

}  // namespace

Plan parse_plan(std::string_view text) {
  Plan plan;
  plan.text = text;
  std::string_view options = text;
  std::string_view rest = cut(options, ',');
  const bool has_options = rest.size() < text.size();
  std::string_view word = cut(rest, ':');
  plan.strategy = find_or_null(strategies(), word);
  if (plan.strategy == nullptr || plan.strategy->takes_metric) {
    plan.metric = find_or_null(metrics(), word);
    check(plan.metric != nullptr, "[plan] '{}': no strategy or metric '{}'; known: {}, with a METRIC of {}", text, word,
          usages(), names_of(metrics()));
    word = cut(rest, ':');
    plan.strategy = find_or_null(strategies(), word);
    check(plan.strategy != nullptr && plan.strategy->takes_metric,
          "[plan] '{}': a metric is followed by C+ or C-, as in {}:C+:4-8, not '{}'", text, plan.metric->name, word);
  }
  if (plan.strategy->assign == nullptr) {
    check(rest.empty() && text == plan.strategy->name, "[plan] '{}': '{}' takes no bits and no options", text,
          plan.strategy->name);
    return plan;
  }
  if (plan.strategy->takes_range)
    parse_range(plan, rest);
  else
    plan.low = plan.high = parse_width(plan, rest);
  check(!has_options || !options.empty(), "[plan] '{}': nothing follows the comma", text);
  while (!options.empty()) parse_option(plan, cut(options, ','));
  return plan;
}

}  // namespace fqt::quant
