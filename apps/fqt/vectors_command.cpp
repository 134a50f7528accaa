#include <fmt/format.h>

#include <memory>
#include <string>

#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/text.h"
#include "trainer/vectors/vectors.h"

namespace fqt::program {
namespace {

struct VectorsArguments {
  std::string out;
  int64_t seed = 1;
};

void run(const VectorsArguments& arguments) {
  std::string text = fmt::format("{:<26} {:>6} {:>12}\n", arguments.out, "cases", "bytes");
  size_t bytes = 0;
  for (const trainer::VectorFile& file : trainer::write_vectors(arguments.out, static_cast<uint64_t>(arguments.seed))) {
    text += fmt::format("  {:<24} {:>6} {:>12}\n", file.name, file.cases,
                        trainer::grouped(static_cast<int64_t>(file.bytes)));
    bytes += file.bytes;
  }
  print(text +
        fmt::format(
            "{:<33} {:>12}\nCheck them with apps/examples/check_vectors.py; docs/vectors.md says what they hold.\n",
            "in all", trainer::grouped(static_cast<int64_t>(bytes))));
}

}  // namespace

Action declare_vectors(CLI::App& app) {
  const auto arguments = std::make_shared<VectorsArguments>();
  app.add_option("-o,--out", arguments->out, "folder to write to; it must be new or empty")
      ->required()
      ->type_name("DIR");
  app.add_option("--seed", arguments->seed, "the same seed gives the same bytes")
      ->check(kSeeds)
      ->capture_default_str()
      ->type_name("");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
