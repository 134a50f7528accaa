// A run is a function of its configuration, seed and data: the hash of its weights is one constant, whatever the
// instruction set, the number of threads or the compiler.
#include <doctest/doctest.h>

#include <vector>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/kernels/table.h"

using namespace fqt::test;

namespace {

/// A short run of ResNet-20 on the built-in data. A change that is meant to change results changes these.
struct Golden {
  std::vector<std::string> flags;
  std::string weights_hash;
};

std::string weights_hash(const std::vector<std::string>& flags, std::string_view isa, int threads) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments{
      "train", "resnet20",      "--seed", "7",     "--threads",   std::to_string(threads),
      "--set", "eval.images=1", "--json", "--out", folder / "run"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = fqt_program(arguments, {{"FQT_ISA", std::string(isa)}});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return parse_json(outcome.out)["weights_hash"];
}

void check_everywhere(const Golden& golden) {
  for (const fqt::kernels::Isa& isa : fqt::kernels::all_isas()) {
    if (!isa.supported()) continue;
    // The scalar loops take seconds a run: they are tried on the one number of threads that splits most unevenly.
    for (const int threads : isa.name == "reference" ? std::vector{3} : std::vector{1, 2, 3}) {
      CAPTURE(isa.name);
      CAPTURE(threads);
      CHECK(weights_hash(golden.flags, isa.name, threads) == golden.weights_hash);
    }
  }
}

}  // namespace

TEST_CASE("determinism: 6-bit training gives the same weights on every instruction set and any number of threads") {
  check_everywhere({{"--steps", "2", "--batch", "8", "--plan", "U:6"}, "741d66d97e650f16"});
}

TEST_CASE("determinism: float training gives the same weights on every instruction set and any number of threads") {
  check_everywhere({{"--steps", "2", "--batch", "8", "--plan", "fp32"}, "d8db1c8e30d3958c"});
}

TEST_CASE("determinism: wide operands, channel grids, two gradients and every switch of the recipes") {
  check_everywhere({{"--steps", "1", "--batch", "4", "--plan", "U:16"}, "ea00cc224b5c7b6f"});
  check_everywhere({{"--steps", "1", "--batch", "4", "--plan", "U:11", "--recipe", "cpt"}, "dc885e8ff6fb254a"});
  check_everywhere({{"--steps", "1", "--batch", "4", "--plan", "U:8", "--recipe", "banner2018"}, "4f43c85f7d3008d5"});
  check_everywhere({{"--steps", "1", "--batch", "4", "--plan", "U:5", "--set", "quant.lhs_range=mse", "--set",
                     "quant.rhs_range=percentile", "--set", "quant.rhs_rounding=nearest_away", "--set",
                     "quant.grad_format=symmetric"},
                    "c45fa6cbf1df672e"});
}
