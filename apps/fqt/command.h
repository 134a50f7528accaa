#pragma once

#include <CLI/App.hpp>
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

// The rows, one file each.
Action declare_train(CLI::App& app);
Action declare_eval(CLI::App& app);
Action declare_recipes(CLI::App& app);
Action declare_bench(CLI::App& app);
Action declare_info(CLI::App& app);

}  // namespace fqt::program
