// A run is a function of its configuration, seed and data: the hash of its weights is one constant, whatever the
// instruction set, the number of threads or the compiler.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "apps/process.h"
#include "engine/kernels/table.h"

using namespace fqt::test;

namespace {

/// Two steps of ResNet-20 on the built-in data. A change that is meant to change results changes these.
struct Golden {
  const char* plan;
  const char* weights_hash;
};
constexpr Golden kGolden[] = {{"U:6", "0000000000000000"}, {"fp32", "0000000000000000"}};

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

}  // namespace

TEST_CASE("determinism: the same weights on every instruction set and any number of threads") {
  for (const Golden& golden : kGolden) {
    for (const fqt::kernels::Isa& isa : fqt::kernels::all_isas()) {
      if (!isa.supported()) continue;
      for (const int threads : {1, 2, 3}) {
        CAPTURE(golden.plan);
        CAPTURE(isa.name);
        CAPTURE(threads);
        CHECK(weights_hash(golden.plan, isa.name, threads) == golden.weights_hash);
      }
    }
  }
}
