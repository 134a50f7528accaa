// The program as a person or a script meets it: what it prints where, and how it ends.
#include <doctest/doctest.h>

#include "apps/json.h"
#include "apps/process.h"

using namespace fqt::test;

TEST_CASE("program: info says what there is") {
  const Outcome outcome = fqt_program({"info"}, {{"FQT_ISA", "reference"}});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  for (const char* part : {"commit ", "processor", "scalar loops: the specification (in use)", "resnet", "shapes",
                           "U:BITS", "affine", "cosine"})
    CHECK(contains(outcome.out, part));
}

TEST_CASE("program: recipes lists what each changes") {
  const Outcome text = fqt_program({"recipes"}), json = fqt_program({"recipes", "--json"});
  for (const char* part : {"paper", "banner2018", "quant.grad_rhs_bits", "cpt"}) CHECK(contains(text.out, part));
  const nlohmann::json recipes = parse_json(json.out)["recipes"];
  CHECK(recipes[0]["name"] == "paper");
  CHECK(recipes[0]["switches"].empty());
}

TEST_CASE("program: help and version go to standard output") {
  const Outcome help = fqt_program({"--help"}), train = fqt_program({"train", "--help"});
  CHECK(help.exit_code == 0);
  for (const char* part : {"train", "eval", "info"}) CHECK(contains(help.out, part));
  CHECK(train.exit_code == 0);
  for (const char* part : {"--plan", "--json", "train.weight_decay", "an integer from 1 to 65536"})
    CHECK(contains(train.out, part));
  for (const Outcome& version : {fqt_program({"--version"}), fqt_program({"train", "--version"})}) {
    CHECK(version.exit_code == 0);
    CHECK(version.out.starts_with("fqt 0."));
  }
}

TEST_CASE("program: a command line that makes no sense ends with 2 and says what was meant") {
  const auto message = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = fqt_program(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("fqt: ["));
    return outcome.err;
  };
  CHECK(contains(message({}), "no command is named; give one of train, eval, "));
  CHECK(contains(message({"trian", "resnet20"}), "'trian' is not known here; did you mean 'train'?"));
  CHECK(
      contains(message({"train", "resnet20", "--bacth", "4"}), "'--bacth' is not known here; did you mean '--batch'?"));
  CHECK(contains(message({"train", "resnet20", "--bacth=4"}), "did you mean '--batch'?"));
  CHECK(contains(message({"train", "resnet20", "more"}), "'more' is not known here"));
  CHECK(contains(message({"train", "resnet20", "--batch"}), "--batch"));
  CHECK(contains(message({"train"}), "no model is named"));
  CHECK(contains(message({"eval"}), "directory"));
  CHECK(contains(message({"info", "--all"}), "'--all' is not known here"));
}

TEST_CASE("program: a reader that leaves is no error, a full disk is one") {
  if (!std::filesystem::exists("/dev/full")) return;
  const TemporaryFolder folder;
  const std::string program = FQT_PROGRAM, code = folder / "code";
  const auto shell = [&](const std::string& command) { return std::system(command.c_str()); };
  REQUIRE(shell("{ '" + program + "' train --help; echo $? > '" + code + "'; } | true") == 0);
  CHECK(read(code) == "0\n");
  REQUIRE(shell("'" + program + "' info > /dev/full 2> '" + folder.path() + "/err'; echo $? > '" + code + "'") == 0);
  CHECK(read(code) == "74\n");
  CHECK(contains(read(folder / "err"), "standard output cannot be written: No space left on device"));
}
