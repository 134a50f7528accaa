#include "trainer/plan_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "engine/check.h"
#include "quant/formats/format.h"
#include "quant/plan/plan.h"
#include "trainer/bit_schedule.h"
#include "trainer/files.h"
#include "trainer/text.h"
#include "trainer/toml.h"

namespace fqt::trainer {
namespace {

constexpr size_t kMostCovering = 3;  ///< rules that an error names

using quant::BitTable;
using quant::ProductBits;
using quant::SiteBits;
using quant::SiteShape;

/// Whether `name` is what `pattern` stands for: * for any run of characters, ? for one.
bool matches(std::string_view pattern, std::string_view name) {
  constexpr size_t kNone = std::string_view::npos;
  size_t at = 0, star = kNone, after = 0;  // of the pattern; the last * in it, and where in `name` it may end
  for (size_t i = 0; i < name.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      after = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[i])) {
      ++at;
      ++i;
    } else if (star != kNone) {
      at = star + 1;
      i = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == kNone;
}

std::vector<std::string> names_of(std::span<const SiteShape> sites) {
  std::vector<std::string> names;
  for (const SiteShape& site : sites) names.push_back(site.name);
  return names;
}

/// What a pattern may have been meant to be: a name, or, of "stage4.*", what names begin with.
std::string meant_instead(const std::string& pattern, const std::vector<std::string>& names) {
  if (!pattern.ends_with(".*")) return did_you_mean(pattern, names);
  const auto dots = std::count(pattern.begin(), pattern.end(), '.');
  std::vector<std::string> beginnings;
  for (const std::string& name : names) {
    size_t end = 0;
    for (auto dot = dots; dot > 0 && end != std::string::npos; --dot) end = name.find('.', end + 1);
    if (end == std::string::npos) continue;
    const std::string beginning = name.substr(0, end) + ".*";
    if (std::find(beginnings.begin(), beginnings.end(), beginning) == beginnings.end()) beginnings.push_back(beginning);
  }
  const std::string meant = did_you_mean(pattern, beginnings);
  return meant.empty() ? did_you_mean(pattern, names) : meant;
}

/// One [[rule]] of a file.
struct Rule {
  std::string pattern;
  SiteBits bits;
  std::string where;  ///< "my.toml:12"
};

class RuleReader {
 public:
  RuleReader(const std::string& path, const toml::table& table) : path_(path), table_(table) { where_ = at(table); }

  Rule read() const {
    Rule rule{text("sites"), {}, where_};
    rule.bits.is_float = false;
    int ways = 0;
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (name == "sites") continue;
      if (name == "float") {
        const auto* value = node.as_boolean();
        check(value && value->get(), "[plan] {}: float is true or left out", at(node));
        rule.bits.is_float = true;
        ways += 4;
      } else if (name == "bits") {
        rule.bits = SiteBits::uniform("", width(node));
        ways += 4;
      } else if (const std::optional<quant::ProductKind> product = product_named(name)) {
        rule.bits.products[*product] = widths(node);
        ways += 1;
      } else {
        fail(ErrorKind::usage, "[plan] {}: a rule has no key '{}'; known: sites, bits, float, {}", at(node),
             printable(name), fmt::join(quant::kProductNames, ", "));
      }
    }
    check(ways == 4 || ways == 3,
          "[plan] {}: a rule gives bits = 6, or forward, grad_lhs and grad_rhs = [left, right], or float = true",
          where_);
    return rule;
  }

 private:
  std::string at(const toml::node& node) const { return fmt::format("{}:{}", path_, node.source().begin.line); }

  std::string text(const char* key) const {
    const toml::node* node = table_.get(key);
    check(node && node->is_string() && !node->as_string()->get().empty(),
          "[plan] {}: a rule has {} = \"...\", a name of a site or a pattern such as \"stage1.*\"", where_, key);
    return node->as_string()->get();
  }

  int width(const toml::node& node) const {
    const auto* number = node.as_integer();
    check(number && number->get() >= quant::kMinBits && number->get() <= quant::kMaxBits,
          "[plan] {}: bits are a whole number from {} to {}", at(node), quant::kMinBits, quant::kMaxBits);
    return static_cast<int>(number->get());
  }

  ProductBits widths(const toml::node& node) const {
    const toml::array* both = node.as_array();
    check(both && both->size() == 2, "[plan] {}: a product has two widths, as in [6, 4]: left and right operand",
          at(node));
    return {width(*both->get(0)), width(*both->get(1))};
  }

  static std::optional<quant::ProductKind> product_named(std::string_view name) {
    for (const quant::ProductKind product : quant::kProducts)
      if (quant::kProductNames[static_cast<size_t>(product)] == name) return product;
    return std::nullopt;
  }

  const std::string& path_;
  const toml::table& table_;
  std::string where_;
};

std::vector<Rule> read_rules(const std::string& file_path) {
  const std::string text = read_text_file(file_path), path = printable(file_path);
  const toml::table file = parse_toml(text, path, "plan");
  std::vector<Rule> rules;
  for (const auto& [key, node] : file) {
    check(key.str() == "rule" && node.is_array_of_tables(),
          "[plan] {}:{}: a plan file holds [[rule]]s and nothing else, not '{}'", path, node.source().begin.line,
          printable(key.str()));
    for (const toml::node& rule : *node.as_array()) rules.push_back(RuleReader(path, *rule.as_table()).read());
  }
  check(!rules.empty(),
        "[plan] {}: there is no [[rule]] in it; `fqt plan MODEL --plan U:6 --toml` writes a file to start from", path);
  return rules;
}

void check_once(const std::vector<Rule>& rules) {
  std::map<std::string, std::string> seen;
  for (const Rule& rule : rules) {
    const auto [first, is_new] = seen.emplace(rule.pattern, rule.where);
    check(is_new, "[plan] {}: there are two rules for '{}', the first at {}; keep one", rule.where,
          printable(rule.pattern), first->second);
  }
}

/// Error(usage) for a rule that later ones go over at every site.
void check_decides(const Rule& rule, const std::vector<std::string>& names, const std::vector<const Rule*>& chosen) {
  if (std::find(chosen.begin(), chosen.end(), &rule) != chosen.end()) return;
  std::vector<std::string> over;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!matches(rule.pattern, names[i])) continue;
    const std::string later = fmt::format("'{}' at {}", printable(chosen[i]->pattern), chosen[i]->where);
    if (std::find(over.begin(), over.end(), later) == over.end()) over.push_back(later);
  }
  if (over.size() > kMostCovering) {
    over.resize(kMostCovering);
    over.emplace_back("others");
  }
  fail(ErrorKind::usage, "[plan] {}: the rule for '{}' decides nothing: {} {} over it; put it behind, or leave it out",
       rule.where, printable(rule.pattern), join(over), over.size() == 1 ? "goes" : "go");
}

/// A site that no rule matches.
[[noreturn]] void fail_without_bits(const std::string& path, const std::string& site, const std::vector<Rule>& rules) {
  std::vector<std::string> patterns;
  for (const Rule& rule : rules) patterns.push_back(rule.pattern);
  std::vector<std::string> near = near_misses(site, patterns);
  for (std::string& pattern : near) {
    const auto rule = std::find(patterns.begin(), patterns.end(), pattern) - patterns.begin();
    pattern = fmt::format("'{}' at {}", printable(pattern), rules[static_cast<size_t>(rule)].where);
  }
  fail(ErrorKind::usage,
       "[plan] {}: site '{}' has no bits: no rule matches it{}; add one, or a first rule for all others: [[rule]], "
       "sites = \"*\", bits = 6",
       path, site, near.empty() ? "" : fmt::format(" ({} {} near)", join(near), near.size() == 1 ? "comes" : "come"));
}

std::string widths_toml(const SiteBits& site) {
  if (site.is_float) return "float = true\n";
  const int bits = site.products[quant::ProductKind::forward].lhs;
  if (site == SiteBits::uniform(site.site, bits)) return fmt::format("bits = {}\n", bits);
  std::string text;
  for (const quant::ProductKind product : quant::kProducts)
    text += fmt::format("{} = [{}, {}]\n", quant::kProductNames[static_cast<size_t>(product)],
                        site.products[product].lhs, site.products[product].rhs);
  return text;
}

}  // namespace

bool is_plan_file(std::string_view plan) { return plan.ends_with(".toml"); }

bool depth_in_layers(const std::string& plan) { return !is_plan_file(plan) && quant::parse_plan(plan).depth_layer; }

std::string plan_toml(const Config& config, const BitTable& bits, std::span<const SiteShape> sites) {
  const bool depth_layer = depth_in_layers(config.plan);
  std::string toml =
      fmt::format("# The bits of {} under the plan {}.\n", printable(config.model), printable(config.plan));
  if (config.bits.schedule != "constant")
    toml += fmt::format("# In training they follow the schedule {}; these are the planned ones.\n",
                        describe_schedule(config));
  if (depth_layer) toml += "# D counts layers.\n";
  toml +=
      "# A rule names sites, with * and ? as wildcards, and their bits (2 to 16). Later rules go over earlier ones.\n"
      "# bits = 6 is for every operand; forward = [X, W], grad_lhs = [dY, W], grad_rhs = [X, dY] for each apart;\n"
      "# float = true leaves a site in float32.\n";
  for (size_t i = 0; i < bits.size(); ++i) {
    toml += fmt::format("\n# {}:", sites[i].kind);
    for (const quant::Metric& metric : quant::metrics())
      toml +=
          fmt::format(" {} {:.6g}", metric.name, metric.value({sites[i], quant::ProductKind::forward, 1, depth_layer}));
    toml += fmt::format("\n[[rule]]\nsites = \"{}\"\n{}", bits[i].site, widths_toml(bits[i]));
  }
  return toml;
}

BitTable read_plan_file(const std::string& path, std::span<const SiteShape> sites) {
  const std::vector<Rule> rules = read_rules(path);
  check_once(rules);
  const std::vector<std::string> names = names_of(sites);
  std::vector<const Rule*> chosen(sites.size());
  for (const Rule& rule : rules) {
    bool used = false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (!matches(rule.pattern, names[i])) continue;
      chosen[i] = &rule;
      used = true;
    }
    check(used, "[plan] {}: no site is called '{}'{}", rule.where, printable(rule.pattern),
          meant_instead(rule.pattern, names));
  }
  for (const Rule& rule : rules) check_decides(rule, names, chosen);
  BitTable table;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!chosen[i]) fail_without_bits(printable(path), names[i], rules);
    table.push_back(chosen[i]->bits);
    table.back().site = names[i];
  }
  return table;
}

}  // namespace fqt::trainer
