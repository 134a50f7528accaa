#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/config.h"

namespace fqt::study {

/// The values that one key of the configuration takes in a grid, at least one.
struct Axis {
  std::string key;  ///< "plan", "train.steps"
  std::vector<trainer::Assignment> values;
};

/// A [[grid]] of a spec: the product of its axes.
struct Grid {
  std::string where;  ///< "my.toml:4"
  std::string scale;  ///< "laptop" or "paper"; empty: both
  std::vector<Axis> axes;
};

/// What a sweep runs. docs/sweeps.md is the grammar.
struct SweepSpec {
  std::string name;  ///< of the built-in sweep, or of the file without .toml
  std::string description;
  bool sizes_only = false;  ///< nothing is trained
  std::vector<Grid> grids;
  std::string toml;  ///< as it was read
};

/// A sweep that is built in: sweeps/NAME.toml.
struct BuiltInSweep {
  std::string_view name;
  std::string_view toml;
};

std::span<const BuiltInSweep> built_in_sweeps();

/// The names of the scales: lengths for a laptop, or those of the study.
std::span<const std::string_view> scales();

/// A built-in sweep by name, or a file, whose name ends in .toml. Error(missing) where there is neither; errors as
/// parse_sweep.
SweepSpec read_sweep(const std::string& name_or_path);

/// `source` stands for the file in errors. Error(usage) with the line for what is not TOML, an unknown key (with the
/// nearest known one), a value that is none, and a list or a sweep that is empty.
SweepSpec parse_sweep(const std::string& toml, const std::string& name, const std::string& source);

/// The option of `fqt sweep` that says this key for every run; empty where a spec, or --set, may say it.
std::string_view option_for(std::string_view key);

}  // namespace fqt::study
