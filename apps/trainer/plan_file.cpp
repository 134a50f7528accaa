#include "trainer/plan_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <map>
#include <optional>
#include <vector>

#include "engine/check.h"
#include "quant/formats/format.h"
#include "quant/plan/metric.h"
#include "trainer/files.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

using quant::BitTable;
using quant::ProductBits;
using quant::SiteBits;
using quant::SiteShape;

/// Whether `name` is what `pattern` stands for: * for any run of characters, ? for one.
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (size_t skip = 0; skip <= name.size(); ++skip)
      if (matches(pattern.substr(1), name.substr(skip))) return true;
    return false;
  }
  return !name.empty() && (pattern.front() == '?' || pattern.front() == name.front()) &&
         matches(pattern.substr(1), name.substr(1));
}

std::vector<std::string> names_of(std::span<const SiteShape> sites) {
  std::vector<std::string> names;
  for (const SiteShape& site : sites) names.push_back(site.name);
  return names;
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
        fail(ErrorKind::usage, "[plan] {}: a rule has no key '{}'; known: sites, bits, float, {}", at(node), name,
             fmt::join(quant::kProductNames, ", "));
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

std::vector<Rule> read_rules(const std::string& path) {
  const std::string text = read_text_file(path);
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    fail(ErrorKind::usage, "[plan] {}:{}: this is not TOML: {}", path, error.source().begin.line, error.description());
  }
  std::vector<Rule> rules;
  for (const auto& [key, node] : file) {
    check(key.str() == "rule" && node.is_array_of_tables(),
          "[plan] {}:{}: a plan file holds [[rule]]s and nothing else, not '{}'", path, node.source().begin.line,
          key.str());
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
    check(is_new, "[plan] {}: there are two rules for '{}', the first at {}; keep one", rule.where, rule.pattern,
          first->second);
  }
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

std::string plan_toml(const std::string& title, const BitTable& bits, std::span<const SiteShape> sites) {
  std::string toml = fmt::format(
      "# {}\n"
      "# A rule names sites, with * and ? as wildcards, and their bits (2 to 16). Later rules go over earlier ones.\n"
      "# bits = 6 is for every operand; forward = [X, W], grad_lhs = [dY, W], grad_rhs = [X, dY] for each apart;\n"
      "# float = true leaves a site in float32.\n",
      title);
  for (size_t i = 0; i < bits.size(); ++i) {
    toml += fmt::format("\n# {}:", sites[i].kind);
    for (const quant::Metric& metric : quant::metrics())
      toml += fmt::format(" {} {:.6g}", metric.name, metric.value({sites[i]}));
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
    check(used, "[plan] {}: no site is called '{}'{}", rule.where, rule.pattern, did_you_mean(rule.pattern, names));
  }
  BitTable table;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!chosen[i]) {
      std::vector<std::string> patterns;
      for (const Rule& rule : rules) patterns.push_back(rule.pattern);
      const std::string near = nearest(names[i], patterns);
      fail(ErrorKind::usage,
           "[plan] {}: site '{}' has no bits: no rule matches it{}; add one, or a first rule for \"*\"", path, names[i],
           near.empty() ? "" : fmt::format(" ('{}' comes near)", near));
    }
    table.push_back(chosen[i]->bits);
    table.back().site = names[i];
  }
  return table;
}

}  // namespace fqt::trainer
