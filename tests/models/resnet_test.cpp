#include "models/resnet.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/ops/loss.h"
#include "engine/optim/sgd.h"
#include "support/precision_table.h"
#include "support/random_tensor.h"
#include "support/thread_count.h"

using namespace fqt;
using namespace fqt::models;

namespace {

int64_t parameter_count(layers::Module& model) {
  int64_t count = 0;
  for (const Parameter* parameter : model.parameters()) count += parameter->value.size();
  return count;
}

std::string site_names(layers::Module& model) {
  std::string names;
  for (const quant::Site* site : model.sites()) names += site->name + " ";
  return names;
}

}  // namespace

TEST_CASE("resnet: resnet20 has 272,474 parameters") {
  // Stem 432, stages 13,824 + 50,688 + 202,752, batch norms 1,376, head 650: the 269,722 of He et al.; and for the
  // projections 16*32 + 32*64 weights and 2 * (32 + 64) of their norms: 2,752 more.
  CHECK(parameter_count(*build_model("resnet20", {})) == 272474);
  // 100 classes: 90 more columns of 64 weights and a bias.
  CHECK(parameter_count(*build_model("resnet20", {.classes = 100})) == 272474 + 90 * 65);
  // One input channel: two planes of 3x3x16 fewer in the stem.
  CHECK(parameter_count(*build_model("resnet20", {.channels = 1})) == 272474 - 2 * 9 * 16);
}

TEST_CASE("resnet: sites are named by place, from input to output") {
  const auto model = build_model("resnet14", {});
  CHECK(site_names(*model) ==
        "stem.conv "
        "stage1.block0.conv1 stage1.block0.conv2 stage1.block1.conv1 stage1.block1.conv2 "
        "stage2.block0.conv1 stage2.block0.conv2 stage2.block0.shortcut.conv stage2.block1.conv1 stage2.block1.conv2 "
        "stage3.block0.conv1 stage3.block0.conv2 stage3.block0.shortcut.conv stage3.block1.conv1 stage3.block1.conv2 "
        "head ");
  const auto sites = model->sites();
  CHECK(sites.front()->role == quant::SiteRole::first);
  CHECK(sites.back()->role == quant::SiteRole::head);
  for (size_t i = 1; i + 1 < sites.size(); ++i) CHECK(sites[i]->role == quant::SiteRole::body);
  // 6n + 2 layers and two projections.
  CHECK(build_model("resnet20", {})->sites().size() == 22);
}

TEST_CASE("resnet: depths 6n + 2 are known, other names are refused with what is") {
  for (const char* name : {"resnet8", "resnet14", "resnet20", "resnet56", "resnet110", "resnet1202"}) {
    CAPTURE(name);
    CHECK(matches_cifar_resnet(name));
  }
  CHECK_NOTHROW(build_model("resnet56", {}));
  for (const char* name : {"resnet21", "resnet", "resnetx", "resnet2", "resnet-4", "resnet1208", "resnet20x",
                           "resnet 20", "ResNet20", "resnet99999999999999999999", "aresnet20", ""}) {
    CAPTURE(name);
    CHECK_FALSE(matches_cifar_resnet(name));
    try {
      build_model(name, {});
      FAIL_CHECK("built");
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(message.find("no model '" + std::string(name) + "'") != std::string::npos);
      for (const ModelKind& kind : model_kinds()) CHECK(message.find(kind.name) != std::string::npos);
    }
  }
}

TEST_CASE("resnet: a few steps on one batch lower the loss, in float32 and at 6 bits, with every norm") {
  const test::ThreadCount one(1);
  for (const char* plan : {"fp32", "U:6"})
    for (const layers::NormKind& kind : layers::norm_kinds()) {
      const std::string norm(kind.name);
      CAPTURE(plan);
      CAPTURE(norm);
      const auto model = build_model("resnet8", {.height = 16, .width = 16, .norm = norm});
      layers::initialize(*model, 1);
      const quant::PrecisionTable precision = test::precision_table(plan, model->sites());
      const Tensor images = test::random_tensor({4, 16, 16, 3}, 1, -2, 2);
      const std::vector<int32_t> labels{3, 1, 4, 7};
      optim::Sgd optimizer(model->parameters(), {});
      std::vector<float> losses;
      for (uint64_t step = 0; step < 8; ++step) {
        Tape tape;
        const quant::Context context{.tape = tape, .precision = precision, .seed = 1, .step = step};
        const Var logits = model->forward(context, Var(images));
        REQUIRE(logits.shape() == Shape{4, 10});
        const Var loss = ops::cross_entropy(tape, logits, labels);
        losses.push_back(loss.value().item());
        optimizer.zero_grad();
        tape.backward(loss);
        for (const Parameter* parameter : model->parameters()) {
          CAPTURE(parameter->name);
          CHECK(parameter->grad.defined());
        }
        optimizer.step(0.1);
      }
      CAPTURE(losses.front());
      CAPTURE(losses.back());
      CHECK(losses.back() < losses.front() / 2);
    }
}

TEST_CASE("resnet: norms are of the kind asked for") {
  const auto batch = build_model("resnet8", {}), range = build_model("resnet8", {.norm = "range"});
  CHECK(parameter_count(*range) == parameter_count(*batch));
  const std::vector<layers::NamedBuffer> one = batch->buffers(), other = range->buffers();
  REQUIRE(one.size() == other.size());
  size_t norms = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    const bool differs = one[i].name != other[i].name;
    norms += differs;
    if (differs) CHECK(other[i].name.ends_with(".running_range"));
  }
  CHECK(norms == 9);  // the stem's, two of each of three blocks, two of projections
  CHECK_THROWS_AS(build_model("resnet8", {.norm = "group"}), Error);
}

TEST_CASE("resnet: evaluation changes nothing") {
  const auto model = build_model("resnet8", {.height = 16, .width = 16});
  layers::initialize(*model, 1);
  const quant::PrecisionTable precision = test::precision_table("U:6", model->sites());
  const uint64_t before = layers::weights_hash(*model);
  Tape tape(false);
  const quant::Context context{.tape = tape, .precision = precision, .training = false};
  model->forward(context, Var(test::random_tensor({2, 16, 16, 3}, 1, -2, 2)));
  CHECK(layers::weights_hash(*model) == before);
  CHECK(tape.size() == 0);
}
