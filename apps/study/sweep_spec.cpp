#include "study/sweep_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <variant>

#include "engine/check.h"
#include "engine/find.h"
#include "trainer/config_keys.h"
#include "trainer/files.h"
#include "trainer/text.h"
#include "trainer/toml.h"

namespace fqt::study {
namespace {

using trainer::Assignment;

constexpr BuiltInSweep kSweeps[] = {
#include "sweeps.inc"  // made from sweeps/*.toml by embed_toml.cmake
};

constexpr std::string_view kScales[] = {"laptop", "paper"};

/// What a grid calls its axes. Runs are made in the order of these, the last one fastest: a sweep that is stopped half
/// way has all plans of its first seeds rather than all seeds of its first plans.
struct AxisWord {
  std::string_view name, key;
};
constexpr AxisWord kWords[] = {{"seeds", "seed"},     {"models", "model"},      {"data", "data"},
                               {"recipes", "recipe"}, {"steps", "train.steps"}, {"epochs", "train.epochs"},
                               {"plans", "plan"}};

/// Keys that the sweep itself gives to each run, and the options that it has for them.
struct OwnKey {
  std::string_view name, option;
};
constexpr OwnKey kOwn[] = {{"out", "--out DIR"}, {"threads", "--threads N"}};

bool holds_list(const trainer::ConfigKey& key) {
  trainer::Config any;
  return std::holds_alternative<std::vector<double>*>(key.field(any));
}

/// The word that a grid has for a key; null where it has none.
const AxisWord* word_for(std::string_view key) {
  const auto* word = std::ranges::find(kWords, key, &AxisWord::key);
  return word == std::end(kWords) ? nullptr : word;
}

class SpecReader {
 public:
  explicit SpecReader(std::string source) : source_(std::move(source)) {}

  void read(const toml::table& file, SweepSpec& spec) const {
    std::vector<Axis> common;
    for (const auto& [name, node] : file)
      if (name == "set") read_set(table_of(node, name), "", common);
    for (const auto& [name, node] : file) {
      if (name == "description") {
        spec.description = text_of(node, name);
      } else if (name == "sizes_only") {
        check(node.is_boolean(), "[sweep] {}: sizes_only is true or false", at(name));
        spec.sizes_only = node.as_boolean()->get();
      } else if (name == "grid") {
        check(node.is_array_of_tables(), "[sweep] {}: a grid is a table: [[grid]]", at(name));
        for (const toml::node& grid : *node.as_array()) spec.grids.push_back(read_grid(*grid.as_table(), common));
      } else if (name != "set") {
        fail_unknown(name, {"description", "sizes_only", "set", "grid"});
      }
    }
    check(!spec.grids.empty(), "[sweep] {}: there is no [[grid]] in it, so there is nothing to run", source_);
  }

 private:
  std::string at(const toml::key& key) const { return fmt::format("{}:{}", source_, key.source().begin.line); }

  [[noreturn]] void fail_unknown(const toml::key& key, std::vector<std::string> known) const {
    const std::string name(key.str()), meant = trainer::did_you_mean(name, known);
    fail(ErrorKind::usage, "[sweep] {}: there is no key '{}' here{}", at(key), trainer::printable(name),
         meant.empty() ? "; known: " + trainer::join(known) : meant);
  }

  std::string text_of(const toml::node& node, const toml::key& key) const {
    check(node.is_string(), "[sweep] {}: {} is a text", at(key), std::string(key.str()));
    return node.as_string()->get();
  }

  const toml::table& table_of(const toml::node& node, const toml::key& key) const {
    check(node.is_table(), "[sweep] {}: {} is a table of keys, as in set.train.batch = 64", at(key),
          std::string(key.str()));
    return *node.as_table();
  }

  Grid read_grid(const toml::table& table, const std::vector<Axis>& common) const {
    Grid grid{fmt::format("{}:{}", source_, table.source().begin.line), "", {}};
    std::vector<Axis> axes, own;
    std::vector<std::string> known{"scale", "set"};
    for (const AxisWord& word : kWords) known.emplace_back(word.name);
    for (const auto& [name, node] : table) {
      const AxisWord* word = find_or_null(kWords, name.str());
      if (name == "scale") {
        grid.scale = text_of(node, name);
        check(std::ranges::find(kScales, grid.scale) != std::end(kScales), "[sweep] {}: scale is {}, not '{}'",
              at(name), fmt::join(kScales, " or "), grid.scale);
      } else if (name == "set") {
        read_set(table_of(node, name), "", own);
      } else if (word != nullptr) {
        axes.push_back(read_axis(word->key, node, fmt::format("{}: {}", at(name), word->name), false));
      } else {
        fail_unknown(name, known);
      }
    }
    for (const AxisWord& word : kWords)
      for (Axis& axis : axes)
        if (axis.key == word.key) grid.axes.push_back(std::move(axis));
    for (const Axis& axis : common)
      if (std::ranges::find(own, axis.key, &Axis::key) == own.end()) own.push_back(axis);
    const bool seeded = !grid.axes.empty() && grid.axes.front().key == "seed";
    grid.axes.insert(grid.axes.begin() + (seeded ? 1 : 0), own.begin(), own.end());
    check(std::ranges::find(grid.axes, "model", &Axis::key) != grid.axes.end(),
          "[sweep] {}: the grid names no models, as in models = [\"resnet20\"]", grid.where);
    check(std::ranges::find(grid.axes, "train.steps", &Axis::key) == grid.axes.end() ||
              std::ranges::find(grid.axes, "train.epochs", &Axis::key) == grid.axes.end(),
          "[sweep] {}: steps and epochs both say how long to train; give one of them", grid.where);
    return grid;
  }

  void read_set(const toml::table& table, const std::string& prefix, std::vector<Axis>& axes) const {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (const toml::table* section = node.as_table()) {
        read_set(*section, key + ".", axes);
        continue;
      }
      const trainer::ConfigKey* known = trainer::find_key(key);
      const std::string where = fmt::format("{}: set.{}", at(name), key);
      check(known != nullptr, "[sweep] {}: there is no key '{}' in a configuration{}", where, trainer::printable(key),
            trainer::did_you_mean(key, trainer::key_names()));
      check(option_for(key).empty(), "[sweep] {}: the sweep itself says it; leave it out and give {}", where,
            option_for(key));
      const AxisWord* word = word_for(key);
      check(word == nullptr, "[sweep] {}: a grid has a word of its own for it: {}", where, word ? word->name : "");
      axes.push_back(read_axis(key, node, where, holds_list(*known)));
    }
  }

  /// A value, or a list of them; `of_lists`: where a value is a list itself.
  Axis read_axis(std::string_view key, const toml::node& node, const std::string& where, bool of_lists) const {
    Axis axis{std::string(key), {}};
    const toml::array* list = node.as_array();
    const bool several = list != nullptr && (!of_lists || (!list->empty() && list->get(0)->is_array()));
    check(!several || !list->empty(), "[sweep] {} is an empty list, so there is nothing to run", where);
    const auto add = [&](const toml::node& value) {
      check(!value.is_table(), "[sweep] {}: this is no value of a key", where);
      axis.values.push_back({axis.key, trainer::value_text(value, where), where});
    };
    if (several)
      for (const toml::node& value : *list) add(value);
    else
      add(node);
    return axis;
  }

  std::string source_;
};

}  // namespace

std::string_view option_for(std::string_view key) {
  const OwnKey* own = find_or_null(kOwn, key);
  return own == nullptr ? "" : own->option;
}

std::span<const BuiltInSweep> built_in_sweeps() { return kSweeps; }

std::span<const std::string_view> scales() { return kScales; }

SweepSpec read_sweep(const std::string& name_or_path) {
  if (const BuiltInSweep* sweep = find_or_null(kSweeps, name_or_path))
    return parse_sweep(std::string(sweep->toml), std::string(sweep->name), fmt::format("sweep {}", sweep->name));
  std::error_code error;
  const bool is_file = name_or_path.ends_with(".toml");
  if (!is_file || !std::filesystem::exists(name_or_path, error))
    fail(ErrorKind::missing, "[sweep] there is no {} '{}': built in are {}; others are files whose names end in .toml",
         is_file ? "file" : "sweep", trainer::printable(name_or_path), names_of(kSweeps));
  return parse_sweep(trainer::read_text_file(name_or_path), std::filesystem::path(name_or_path).stem().string(),
                     trainer::printable(name_or_path));
}

SweepSpec parse_sweep(const std::string& toml, const std::string& name, const std::string& source) {
  SweepSpec spec;
  spec.name = name;
  spec.toml = toml;
  SpecReader(source).read(trainer::parse_toml(toml, source, "sweep"), spec);
  return spec;
}

}  // namespace fqt::study
