#pragma once

#include <CLI/App.hpp>

#include "fqt/command.h"

namespace fqt::program {

/// What all benchmarks take. Comparisons want one thread: two noisy cores tell little.
struct BenchArguments {
  int threads = 1;
  int repeats = 7;
  bool json = false;
};

void declare_bench_options(CLI::App& app, BenchArguments& arguments);

/// `fqt bench step`.
Action declare_bench_step(CLI::App& app);

}  // namespace fqt::program
