// `fqt vectors`. What is in the files is checked by apps/examples/check_vectors.py, a test of its own.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "apps/json.h"
#include "apps/process.h"
#include "quant/formats/format.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

TEST_CASE("vectors command: what it writes") {
  const TemporaryFolder folder;
  const Outcome outcome = fqt_program({"vectors", "-o", folder / "new/v"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  const json index = parse_json(read(folder / "new/v/index.json"));
  CHECK(index["version"] == 1);
  CHECK(index["seed"] == 1);
  std::set<std::string> there;
  for (const auto& file : std::filesystem::directory_iterator(folder / "new/v"))
    there.insert(file.path().filename().string());
  CHECK(there.size() == index["files"].size() + 1);
  size_t bytes = 0;
  for (const json& file : index["files"]) {
    const std::string name = file["name"];
    CHECK(there.contains(name));
    CHECK(contains(outcome.out, name));
    const std::string text = read(folder / "new/v/" + name);
    bytes += text.size();
    CHECK(parse_json(text)["cases"].size() == file["cases"]);
  }
  CHECK(bytes < 4'000'000);
  for (const quant::Format& format : quant::formats()) {
    if (format.is_float()) continue;
    const json file = parse_json(read(folder / "new/v/quantize_" + std::string(format.name) + ".json"));
    std::set<int> widths;
    for (const json& grid : file["cases"]) {
      widths.insert(grid["bits"].get<int>());
      CHECK(grid["results"].size() == 4);
    }
    CHECK(widths.size() == quant::kMaxBits - quant::kMinBits + 1);
  }
  std::set<std::pair<int, int>> pairs;
  const json products = parse_json(read(folder / "new/v/products.json"));
  for (const json& product : products["cases"]) pairs.emplace(product["lhs"]["bits"], product["rhs"]["bits"]);
  CHECK(pairs.size() == 225);
}

TEST_CASE("vectors command: accumulators that overflow and such that do not, of either kind, in order and in chunks") {
  const TemporaryFolder folder;
  REQUIRE(fqt_program({"vectors", "-o", folder / "v"}).exit_code == 0);
  const json accumulators = parse_json(read(folder / "v/accumulators.json"));
  std::map<std::pair<std::string, bool>, std::pair<int, int>> counts;  // with overflows and without
  std::set<int> widths;
  for (const json& row : accumulators["cases"]) {
    widths.insert(row["accumulator_bits"].get<int>());
    auto& [some, none] = counts[{row["accumulator_overflow"], row["accumulator_chunk"] > 0}];
    ++(row["overflows"] > 0 ? some : none);
  }
  CHECK((widths.size() >= 10 && *widths.begin() == 8 && *widths.rbegin() == 32));
  CHECK(counts.size() == 4);
  for (const auto& [kind, count] : counts) CHECK((count.first >= 5 && count.second >= 5));
}

TEST_CASE("vectors command: the same seed gives the same bytes, whatever runs them") {
  const TemporaryFolder folder;
  const auto write_to = [&](const std::string& name, const std::string& seed, const Process::Environment& environment) {
    CHECK(fqt_program({"vectors", "-o", folder / name, "--seed", seed}, environment).exit_code == 0);
  };
  write_to("a", "3", {});
  write_to("b", "3", {{"FQT_ISA", "reference"}});
  write_to("c", "4", {});
  for (const auto& file : std::filesystem::directory_iterator(folder / "a")) {
    const std::string name = file.path().filename().string();
    CAPTURE(name);
    CHECK(read(folder / "a/" + name) == read(folder / "b/" + name));
    CHECK(read(folder / "a/" + name) != read(folder / "c/" + name));
  }
}

TEST_CASE("vectors command: folders it does not write to") {
  const TemporaryFolder folder;
  const auto error = [&](int expected_code, const std::string& out) {
    const Outcome outcome = fqt_program({"vectors", "-o", out}, {}, folder.path());
    CHECK(outcome.exit_code == expected_code);
    CHECK(outcome.out.empty());
    return outcome.err;
  };
  std::filesystem::create_directory(folder / "full");
  write(folder / "full/mine", "x");
  CHECK(contains(error(2, "full"), "full exists already and is not an empty folder; choose another with -o DIR"));
  CHECK(contains(error(2, "full/mine"), "is not an empty folder"));
  CHECK(contains(error(74, "/proc/none/v"), "cannot be made"));
  CHECK(fqt_program({"vectors"}).exit_code == 2);
  std::filesystem::create_directory(folder / "empty");
  CHECK(fqt_program({"vectors", "-o", folder / "empty"}).exit_code == 0);
}
