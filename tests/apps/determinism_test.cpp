// A run is a function of its configuration, seed and data: the hash of its weights is one constant, whatever the
// instruction set, the number of threads or the compiler.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "apps/process.h"
#include "engine/kernels/table.h"

using namespace fqt::test;

namespace {

/// Two steps of ResNet-20 on the built-in data. A change that is meant to change results changes these.
struct Golden {
  std::string plan, weights_hash;
};

std::string weights_hash(const std::string& plan, std::string_view isa, int threads) {
  const TemporaryFolder folder;
  const Outcome outcome =
      fqt_program({"train", "resnet20", "--steps", "2", "--batch", "8", "--seed", "7", "--plan", plan, "--threads",
                   std::to_string(threads), "--set", "eval.images=1", "--json", "--out", folder / "run"},
                  {{"FQT_ISA", std::string(isa)}});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return nlohmann::json::parse(outcome.out)["weights_hash"];
}

void check_everywhere(const Golden& golden) {
  for (const fqt::kernels::Isa& isa : fqt::kernels::all_isas()) {
    if (!isa.supported()) continue;
    // The scalar loops take seconds a run: they are tried on the one number of threads that splits most unevenly.
    for (const int threads : isa.name == "reference" ? std::vector{3} : std::vector{1, 2, 3}) {
      CAPTURE(isa.name);
      CAPTURE(threads);
      CHECK(weights_hash(golden.plan, isa.name, threads) == golden.weights_hash);
    }
  }
}

}  // namespace

TEST_CASE("determinism: 6-bit training gives the same weights on every instruction set and any number of threads") {
  check_everywhere({"U:6", "741d66d97e650f16"});
}

TEST_CASE("determinism: float training gives the same weights on every instruction set and any number of threads") {
  check_everywhere({"fp32", "d8db1c8e30d3958c"});
}
