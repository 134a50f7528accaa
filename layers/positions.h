#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "layers/module.h"

namespace fqt::layers {

struct PositionOptions {
  int64_t length = 1;  ///< most time steps a sequence may have
  int64_t width = 1;
  double standard_deviation = 0.02;  ///< of learned ones at the start
};

/// One way to tell a Transformer where in the sequence a token stands: modules that add it to x [B, T, width].
struct PositionKind {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Module> (*make)(const std::string& name, const PositionOptions& options);
};

/// learned: `name.weight` [length, width]; sinusoidal (Vaswani et al. 2017): sin and cos of t / 10000^(2i / width) in
/// columns 2i and 2i + 1, for sequences of any length.
std::span<const PositionKind> position_kinds();

/// Error(usage) that lists the kinds where there is none called `kind`.
std::unique_ptr<Module> make_positions(std::string_view kind, const std::string& name, const PositionOptions& options);

}  // namespace fqt::layers
