#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace fqt::program {

/// What a command does once its arguments are read. Throws Error.
using Action = std::function<void()>;

/// One command of the program: a row of the table in commands.cpp.
struct Command {
  std::string_view name;
  std::string_view summary;
  /// Declares the command's options on `app`, and returns what runs when they have been read.
  Action (*declare)(CLI::App& app);
};

std::span<const Command> commands();

/// Seeds that a command takes: those that JSON numbers hold exactly.
inline const CLI::Validator kSeeds = CLI::Range(int64_t{0}, int64_t{1} << 53).description("");

// The rows, one file each.
Action declare_train(CLI::App& app);
Action declare_eval(CLI::App& app);
Action declare_verify(CLI::App& app);
Action declare_export(CLI::App& app);
Action declare_plan(CLI::App& app);
Action declare_sweep(CLI::App& app);
Action declare_report(CLI::App& app);
Action declare_recipes(CLI::App& app);
Action declare_explain(CLI::App& app);
Action declare_quantize(CLI::App& app);
Action declare_vectors(CLI::App& app);
Action declare_data(CLI::App& app);
Action declare_bench(CLI::App& app);
Action declare_info(CLI::App& app);

}  // namespace fqt::program
