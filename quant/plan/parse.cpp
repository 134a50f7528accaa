#include <algorithm>
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
  check(*bits >= kMinBits && *bits <= kMaxBits, "[plan] '{}': {} is no width; give one from {} to {} bits", plan.text,
        *bits, kMinBits, kMaxBits);
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

/// One of "map=linear", "per=product", "depth=layer", "x=+1", "w=-1", "grad=+2".
struct Option {
  std::string_view name;
  void (*set)(Plan& plan, std::string_view name, std::string_view value);
  bool (*fits)(const Plan& plan) = nullptr;  ///< null: any plan
  std::string_view belongs_to = {};          ///< where it does not fit
};

template <int Plan::*offset>
void set_offset(Plan& plan, std::string_view name, std::string_view value) {
  const bool plus = value.starts_with('+') && !value.starts_with("+-");
  const std::optional<int> number = whole_number(value.substr(plus ? 1 : 0));
  check(number && std::abs(*number) <= kMaxBits - kMinBits,
        "[plan] '{}': {} is an offset to the bits, as in {}=+2, not '{}'", plan.text, name, name, value);
  plan.*offset = *number;
}

bool is_on(const Plan& plan, std::string_view name, std::string_view value, std::string_view on, std::string_view off) {
  check(value == on || value == off, "[plan] '{}': {} is {} or {}, not '{}'", plan.text, name, off, on, value);
  return value == on;
}

constexpr Option kOptions[] = {
    {"map", [](Plan& plan, std::string_view, std::string_view value) { plan.mapping = &find_mapping(value); },
     [](const Plan& plan) { return plan.metric != nullptr; }, "plans that go by a metric, as A:C+:4-8 does"},
    {"per",
     [](Plan& plan, std::string_view name, std::string_view value) {
       plan.per_product = is_on(plan, name, value, "product", "layer");
     },
     [](const Plan& plan) { return plan.strategy->takes_range; },
     "plans of a range of bits, such as A:C+:4-8 and R:4-8"},
    {"depth",
     [](Plan& plan, std::string_view name, std::string_view value) {
       plan.depth_layer = is_on(plan, name, value, "layer", "stage");
     },
     [](const Plan& plan) { return plan.metric && plan.metric->value == depth; },
     "plans that go by depth, as D:C+:4-8 does"},
    {"x", set_offset<&Plan::lhs_offset>},
    {"w", set_offset<&Plan::rhs_offset>},
    {"grad", set_offset<&Plan::grad_offset>},
};

std::string known_options() {
  std::string known;
  for (const Option& option : kOptions) known += (known.empty() ? "" : ", ") + std::string(option.name) + "=";
  return known;
}

/// What follows the first comma.
void parse_options(Plan& plan, std::string_view texts) {
  std::vector<std::string_view> given;
  while (!texts.empty()) {
    const std::string_view text = cut(texts, ',');
    std::string_view value = text;
    const std::string_view name = cut(value, '=');
    const Option* option = find_or_null(kOptions, name);
    check(option != nullptr, "[plan] '{}': no option '{}'; known: {}", plan.text, text, known_options());
    check(!option->fits || option->fits(plan), "[plan] '{}': {}= does nothing here; it belongs to {}", plan.text, name,
          option->belongs_to);
    check(std::find(given.begin(), given.end(), name) == given.end(), "[plan] '{}': {}= is given twice; give it once",
          plan.text, name);
    given.push_back(name);
    option->set(plan, name, value);
  }
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
  parse_options(plan, options);
  return plan;
}

}  // namespace fqt::quant
