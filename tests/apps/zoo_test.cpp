// Every kind of model through the program, with nothing but its name where that is quick enough: its defaults fit
// together, and its weights are a function of the configuration alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/kernels/table.h"
#include "models/zoo.h"
#include "trainer/model_defaults.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

namespace {

/// Two steps of a model at a size that fits a test, and the hash of the weights they lead to.
struct ZooRow {
  const char* model;
  std::vector<std::string> flags;
  const char* weights_hash;
};

const std::vector<std::string> kSmallImages{"--batch", "2"};
const std::vector<std::string> kImageNet{"--batch", "2", "--set", "images.side=64"};
const std::vector<std::string> kText{"--batch", "2", "--set", "sequence=6", "--set", "hidden=16", "--set", "depth=2"};

const ZooRow kZooRows[] = {
    {"alexnet", kSmallImages, "303131821a6e29d2"},
    {"resnet8", kSmallImages, "2a3cafa03360c54d"},
    {"resnet18", kImageNet, "f04d287a0c8f46c2"},
    {"resnet50", kImageNet, "de9660b44c50549c"},
    {"mobilenet_v2_0.5", kSmallImages, "f536543c700a85fa"},
    {"custom_a", kSmallImages, "09573f4febd97378"},
    {"custom_f", kSmallImages, "213fc0adbb3303f6"},
    {"custom_d", kSmallImages, "40697bbc33aea75d"},
    {"lstm_lm", kText, "bdad4c548437adc2"},
    {"transformer_lm", kText, "34eb8a50f26e039e"},
    {"transformer_lm_small", kText, "34eb8a50f26e039e"},
    {"transformer_lm_base", kText, "53e95b073a7b7a09"},
};

std::vector<std::string> flags_of(const ZooRow& row, const std::string& out) {
  std::vector<std::string> flags{"train",         row.model, "--steps", "2",      "--set",   "eval.images=1", "--set",
                                 "eval.tokens=1", "--seed",  "7",       "--json", "--quiet", "--out",         out};
  flags.insert(flags.end(), row.flags.begin(), row.flags.end());
  return flags;
}

json train_row(const ZooRow& row, std::string_view isa, int threads) {
  const TemporaryFolder folder;
  std::vector<std::string> flags = flags_of(row, folder / "run");
  flags.insert(flags.end(), {"--threads", std::to_string(threads)});
  const Outcome outcome = fqt_program(flags, {{"FQT_ISA", std::string(isa)}});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return parse_json(outcome.out);
}

}  // namespace

TEST_CASE("zoo: every kind of model has a row here, and the defaults of a kind are its own") {
  for (const models::ModelKind& kind : models::model_kinds()) {
    CAPTURE(kind.name);
    CHECK(std::any_of(std::begin(kZooRows), std::end(kZooRows),
                      [&](const ZooRow& row) { return kind.matches(row.model); }));
  }
  for (const trainer::ModelDefaults& defaults : trainer::model_defaults()) {
    CAPTURE(defaults.kind);
    const auto kinds = models::model_kinds();
    CHECK(std::any_of(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.name == defaults.kind; }));
  }
}

TEST_CASE("zoo: every model gives the same weights on every instruction set and any number of threads") {
  for (const ZooRow& row : kZooRows) {
    CAPTURE(std::string(row.model));
    for (const kernels::Isa& isa : kernels::all_isas()) {
      if (!isa.supported()) continue;
      for (const int threads : isa.name == "reference" ? std::vector{2} : std::vector{1, 2}) {
        CAPTURE(isa.name);
        CAPTURE(threads);
        CHECK(train_row(row, isa.name, threads)["weights_hash"] == row.weights_hash);
      }
    }
  }
}

TEST_CASE("zoo: language models are judged by perplexity, and evaluate to the same figures") {
  const TemporaryFolder folder;
  const ZooRow row{"lstm_lm", kText, ""};
  const Outcome outcome = fqt_program(flags_of(row, folder / "run"));
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const json result = parse_json(outcome.out);
  CHECK(result["data"] == "grammar");
  CHECK(result["plan"] == "U:7");
  CHECK_FALSE(result.contains("test_accuracy"));
  CHECK(result["test_perplexity"].get<double>() ==
        doctest::Approx(std::exp(result["test_loss"].get<double>())).epsilon(1e-12));
  CHECK(result["best_perplexity"].get<double>() > 1);
  CHECK(result["best_perplexity"].get<double>() < result["test_perplexity"].get<double>());
  const Outcome again = fqt_program({"eval", folder / "run", "--json"});
  REQUIRE(again.exit_code == 0);
  const json evaluated = parse_json(again.out);
  CHECK(evaluated["test_perplexity"] == result["test_perplexity"]);
  CHECK(evaluated["weights_hash"] == result["weights_hash"]);
  CHECK(contains(fqt_program({"eval", folder / "run"}).out, "no model can do better than"));
}

TEST_CASE("zoo: a model is not given data of the other sort") {
  const TemporaryFolder folder;
  const Outcome text = fqt_program({"train", "resnet8", "--data", "grammar", "--out", folder / "a"}),
                images = fqt_program({"train", "lstm_lm", "--data", "shapes", "--out", folder / "b"});
  CHECK(text.exit_code == 2);
  CHECK(contains(text.err, "resnet8 reads images, and grammar is text; give other data with --data"));
  CHECK(images.exit_code == 2);
  CHECK(contains(images.err, "lstm_lm reads text, and shapes is images; give other data with --data"));
  const Outcome side = fqt_program({"train", "lstm_lm", "--set", "images.side=64", "--out", folder / "c"});
  CHECK(side.exit_code == 2);
  CHECK(contains(side.err, "images.side is 64, but grammar is text, which has no pixels; leave it out"));
}
