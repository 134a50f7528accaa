#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/loss.h"
#include "engine/optim/clip.h"
#include "engine/optim/optimizer.h"
#include "engine/parallel.h"
#include "models/trace.h"
#include "quant/plan/metric.h"
#include "support/precision_table.h"

using namespace fqt;
using namespace fqt::models;

namespace {

constexpr int64_t kWords = 20, kSteps = 8, kSequences = 4;

ModelOptions tiny(double dropout = 0) {
  ModelOptions options;
  options.classes = kWords;
  options.sequence = kSteps;
  options.dropout = dropout;
  options.hidden = 16;
  options.depth = 2;
  options.heads = 2;
  options.feed_forward = 32;
  return options;
}

/// Sequences that walk round a pattern of five words, each from another place.
int32_t word(int64_t sequence, int64_t t) {
  constexpr int32_t kPattern[] = {3, 17, 8, 11, 0};
  return kPattern[(sequence * 2 + t) % 5];
}

struct Batch {
  Tensor tokens{Shape{kSequences, kSteps}};
  std::vector<int32_t> next;

  explicit Batch(int64_t index) {
    for (int64_t b = 0; b < kSequences; ++b)
      for (int64_t t = 0; t < kSteps; ++t) {
        tokens.data()[b * kSteps + t] = static_cast<float>(word(b, index * kSteps + t));
        next.push_back(word(b, index * kSteps + t + 1));
      }
  }
};

struct Run {
  std::unique_ptr<layers::Module> model;
  std::vector<float> losses;
};

Run train(std::string_view name, const ModelOptions& options, const char* plan, int64_t steps) {
  Run run{build_model(name, options), {}};
  layers::initialize(*run.model, 1);
  const quant::PrecisionTable precision = test::precision_table(plan, run.model->sites());
  const auto optimizer = optim::find_optimizer("adam").make(run.model->parameters(), {.weight_decay = 0});
  for (int64_t step = 0; step < steps; ++step) {
    const Batch batch(step);
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision, .seed = 1, .step = static_cast<uint64_t>(step)};
    const Var logits = run.model->forward(context, Var(batch.tokens));
    REQUIRE(logits.shape() == Shape{kSequences * kSteps, kWords});
    const Var loss = ops::cross_entropy(tape, logits, batch.next);
    run.losses.push_back(loss.value().item());
    optimizer->zero_grad();
    tape.backward(loss);
    for (const Parameter* parameter : run.model->parameters()) {
      CAPTURE(parameter->name);
      CHECK(parameter->grad.defined());
    }
    optim::clip_gradients(run.model->parameters(), 1);
    optimizer->step(0.03);
  }
  return run;
}

Tensor evaluate(layers::Module& model, const Tensor& tokens, uint64_t step = 0, const char* plan = "fp32") {
  const quant::PrecisionTable precision = test::precision_table(plan, model.sites());
  Tape tape(false);
  const quant::Context context{.tape = tape, .precision = precision, .training = false, .step = step};
  return model.forward(context, Var(tokens)).value();
}

std::vector<float> floats(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

constexpr const char* kModels[] = {"lstm_lm", "transformer_lm"};

}  // namespace

TEST_CASE("language models: learn a repeated pattern in float32 and at 8 bits") {
  for (const char* name : kModels)
    for (const char* plan : {"fp32", "U:8"}) {
      CAPTURE(name);
      CAPTURE(plan);
      ModelOptions options = tiny();
      options.depth = 1;
      const std::vector<float> losses = train(name, options, plan, 100).losses;
      CAPTURE(losses[50]);
      CHECK(losses.front() == doctest::Approx(std::log(20)).epsilon(0.05));  // it knows nothing
      CAPTURE(losses.back());
      CHECK(losses.back() < losses.front() / 4);
    }
}

TEST_CASE("language models: the same weights on every instruction set and number of threads") {
  for (const char* name : kModels)
    for (const char* plan : {"fp32", "U:7", "U:12"}) {
      CAPTURE(name);
      CAPTURE(plan);
      uint64_t expected = 0;
      const int before = threads();
      for (const kernels::Isa& isa : kernels::all_isas())
        for (const int count : {1, 2}) {
          if (!isa.supported()) continue;
          CAPTURE(isa.name);
          kernels::select(isa.name);
          set_threads(count);
          const uint64_t hash = layers::weights_hash(*train(name, tiny(0.2), plan, 2).model);
          if (expected == 0) expected = hash;
          CHECK(hash == expected);
        }
      set_threads(before);
      kernels::select("");
    }
}

TEST_CASE("language models: no position sees a later one") {
  for (const char* name : kModels)
    for (const std::string positions : {"learned", "sinusoidal"}) {
      CAPTURE(name);
      ModelOptions options = tiny();
      options.positions = positions;
      const auto model = build_model(name, options);
      layers::initialize(*model, 1);
      const Batch batch(0);
      Tensor changed = batch.tokens.clone();
      changed.data()[5] = 1;  // of the first sequence
      const Tensor before = evaluate(*model, batch.tokens), after = evaluate(*model, changed);
      for (int64_t row = 0; row < kSequences * kSteps; ++row) {
        const bool same =
            std::equal(before.data() + row * kWords, before.data() + (row + 1) * kWords, after.data() + row * kWords);
        CAPTURE(row);
        CHECK(same == !(row >= 5 && row < kSteps));
      }
    }
}

TEST_CASE("transformer_lm: shorter sequences are read, longer ones only with sinusoidal positions") {
  for (const std::string positions : {"learned", "sinusoidal"}) {
    ModelOptions options = tiny();
    options.positions = positions;
    const auto model = build_model("transformer_lm", options);
    layers::initialize(*model, 1);
    CHECK(evaluate(*model, Tensor::zeros({2, 3})).shape() == Shape{6, kWords});
    if (positions == "learned")
      CHECK_THROWS_WITH_AS(evaluate(*model, Tensor::zeros({2, 9})),
                           "[positions] 9 time steps, but positions are learned for 8", Error);
    else
      CHECK(evaluate(*model, Tensor::zeros({2, 9})).shape() == Shape{18, kWords});
  }
}

TEST_CASE("language models: options that do not fit are refused") {
  ModelOptions heads = tiny(), positions = tiny(), activation = tiny(), dropout = tiny(), depth = tiny();
  heads.heads = 3;
  positions.positions = "none";
  activation.activation = "swish";
  dropout.dropout = 1;
  depth.depth = 0;
  for (const ModelOptions& options : {heads, positions, activation, dropout, depth})
    CHECK_THROWS_AS(build_model("transformer_lm", options), Error);
  CHECK_THROWS_AS(build_model("lstm_lm", dropout), Error);
  CHECK_THROWS_AS(build_model("lstm_lm", depth), Error);
  const auto model = build_model("lstm_lm", tiny());
  CHECK_THROWS_AS(evaluate(*model, Tensor::full({1, 4}, 20)), Error);  // a word beyond the vocabulary
  CHECK_THROWS_AS(evaluate(*model, Tensor::zeros({4})), Error);
}

TEST_CASE("lstm_lm: parameters, states and sites by name") {
  const auto model = build_model("lstm_lm", tiny());
  std::string parameters, states, sites;
  for (const Parameter* parameter : model->parameters())
    parameters += parameter->name + to_string(parameter->value.shape()) + " ";
  for (const layers::NamedBuffer& state : model->states()) states += state.name + " ";
  for (const quant::Site* site : model->sites()) sites += site->name + " ";
  CHECK(parameters ==
        "embedding.weight[20, 16] lstm.layer0.weight_ih[16, 64] lstm.layer0.weight_hh[16, 64] lstm.layer0.bias[64] "
        "lstm.layer1.weight_ih[16, 64] lstm.layer1.weight_hh[16, 64] lstm.layer1.bias[64] head.weight[16, 20] "
        "head.bias[20] ");
  CHECK(states == "lstm.layer0.hidden lstm.layer0.cell lstm.layer1.hidden lstm.layer1.cell ");
  CHECK(sites == "lstm.layer0.input lstm.layer0.hidden lstm.layer1.input lstm.layer1.hidden head ");
  layers::initialize(*model, 1);
  for (const Parameter* parameter : model->parameters()) {
    CAPTURE(parameter->name);
    const auto [low, high] = std::minmax_element(parameter->value.values().begin(), parameter->value.values().end());
    const float bound = parameter->name == "head.bias" ? 0 : parameter->name.starts_with("lstm") ? 0.25f : 0.1f;
    CHECK((*low >= -bound && *high <= bound));
    CHECK((*low <= -0.8f * bound && *high >= 0.8f * bound));
  }
}

TEST_CASE("lstm_lm: the state goes on from batch to batch, in training and evaluation apart") {
  const auto model = build_model("lstm_lm", tiny());
  layers::initialize(*model, 1);
  const Batch one(0), two(1);
  // Both batches as one, twice as long.
  Tensor whole({kSequences, 2 * kSteps});
  for (int64_t b = 0; b < kSequences; ++b)
    for (int64_t t = 0; t < 2 * kSteps; ++t) whole.data()[b * 2 * kSteps + t] = static_cast<float>(word(b, t));
  const Tensor expected = evaluate(*model, whole);
  const Tensor first = evaluate(*model, one.tokens, 0), second = evaluate(*model, two.tokens, 1);
  int wrong = 0;
  for (int64_t b = 0; b < kSequences; ++b)
    for (int64_t i = 0; i < kSteps * kWords; ++i) {
      wrong += expected.data()[b * 2 * kSteps * kWords + i] != first.data()[b * kSteps * kWords + i];
      wrong += expected.data()[(b * 2 + 1) * kSteps * kWords + i] != second.data()[b * kSteps * kWords + i];
    }
  CHECK(wrong == 0);
  CHECK_FALSE(model->states()[0].tensor->defined());                // training has seen nothing
  CHECK(floats(evaluate(*model, one.tokens, 0)) == floats(first));  // the next evaluation starts anew
  CHECK(floats(evaluate(*model, two.tokens, 1)) == floats(second));

  const auto train_step = [&](const Tensor& tokens, uint64_t step) {
    const quant::PrecisionTable precision = test::precision_table("fp32", model->sites());
    Tape tape;
    const quant::Context context{.tape = tape, .precision = precision, .step = step};
    const Var logits = model->forward(context, Var(tokens));
    const std::vector<int32_t> labels(static_cast<size_t>(logits.value().dim(0)));
    tape.backward(ops::cross_entropy(tape, logits, labels));  // no gradient leaves the batch
    return floats(logits.value());
  };
  CHECK(train_step(one.tokens, 0) == floats(first));
  CHECK(floats(evaluate(*model, one.tokens, 0)) == floats(first));
  CHECK(train_step(two.tokens, 1) == floats(second));
  CHECK(model->states()[0].tensor->shape() == Shape{kSequences, 16});
  // A batch of another size starts from zeros.
  const Tensor half({1, kSteps}, two.tokens.values().subspan(0, kSteps));
  const std::vector<float> fresh = floats(evaluate(*model, half, 0));
  CHECK(train_step(half, 2) == fresh);
  CHECK(model->states()[0].tensor->shape() == Shape{1, 16});
  // As does one whose state was taken away.
  for (const layers::NamedBuffer& state : model->states()) *state.tensor = Tensor();
  CHECK(train_step(half, 3) == fresh);
}

TEST_CASE("lstm_lm: sites and their metrics, by hand") {
  const ModelOptions options = tiny();
  const auto sites = trace_sites(*build_model("lstm_lm", options), options, ModelInput::tokens);
  struct Row {
    const char *site, *kind;
    double a, f, d;
    int64_t calls;
  };
  constexpr Row kRows[] = {{"lstm.layer0.input", "lstm", 16, 8, 1, 1},
                           {"lstm.layer0.hidden", "lstm", 16, 8, 1, 8},
                           {"lstm.layer1.input", "lstm", 16, 8, 2, 1},
                           {"lstm.layer1.hidden", "lstm", 16, 8, 2, 8},
                           {"head", "linear", 16, 8, 3, 1}};
  REQUIRE(sites.size() == std::size(kRows));
  for (size_t i = 0; i < sites.size(); ++i) {
    CAPTURE(kRows[i].site);
    CHECK(sites[i].name == kRows[i].site);
    CHECK(sites[i].kind == kRows[i].kind);
    CHECK(quant::accumulation({sites[i]}) == kRows[i].a);
    CHECK(quant::frequency({sites[i]}) == kRows[i].f);
    CHECK(quant::depth({sites[i]}) == kRows[i].d);
    CHECK(sites[i].calls == kRows[i].calls);
    CHECK(sites[i].role == quant::SiteRole::body);
  }
}

TEST_CASE("transformer_lm: sites and their metrics, by hand") {
  ModelOptions options = tiny();
  options.depth = 1;
  options.sequence = 6;
  const auto model = build_model("transformer_lm", options);
  const auto sites = trace_sites(*model, options, ModelInput::tokens);
  struct Row {
    const char *site, *kind;
    double a, f, d, parameters;
  };
  // Two heads of 8 values over 6 positions.
  constexpr Row kRows[] = {{"block0.attention.q", "linear", 16, 6, 1, 256},
                           {"block0.attention.k", "linear", 16, 6, 1, 256},
                           {"block0.attention.v", "linear", 16, 6, 1, 256},
                           {"block0.attention.scores", "attention", 8, 6, 1, 0},
                           {"block0.attention.values", "attention", 6, 6, 1, 0},
                           {"block0.attention.out", "linear", 16, 6, 1, 256},
                           {"block0.linear1", "linear", 16, 6, 1, 512},
                           {"block0.linear2", "linear", 32, 6, 1, 512},
                           {"head", "linear", 16, 6, 2, 320}};
  REQUIRE(sites.size() == std::size(kRows));
  CHECK(sites.size() == model->sites().size());
  for (size_t i = 0; i < sites.size(); ++i) {
    CAPTURE(kRows[i].site);
    CHECK(sites[i].name == kRows[i].site);
    CHECK(sites[i].kind == kRows[i].kind);
    CHECK(quant::accumulation({sites[i]}) == kRows[i].a);
    CHECK(quant::frequency({sites[i]}) == kRows[i].f);
    CHECK(quant::depth({sites[i]}) == kRows[i].d);
    CHECK(quant::parameters({sites[i]}) == kRows[i].parameters);
    CHECK(sites[i].role == quant::SiteRole::body);
  }
}

TEST_CASE("transformer_lm: parameters and buffers by name; the head is the embedding") {
  ModelOptions options = tiny();
  options.depth = 1;
  const auto model = build_model("transformer_lm", options);
  std::string parameters, buffers;
  for (const Parameter* parameter : model->parameters()) parameters += parameter->name + " ";
  for (const layers::NamedBuffer& buffer : model->buffers()) buffers += buffer.name + " ";
  CHECK(parameters ==
        "embedding.weight positions.weight block0.norm1.gamma block0.norm1.beta block0.attention.q.weight "
        "block0.attention.q.bias block0.attention.k.weight block0.attention.k.bias block0.attention.v.weight "
        "block0.attention.v.bias block0.attention.out.weight block0.attention.out.bias block0.norm2.gamma "
        "block0.norm2.beta block0.linear1.weight block0.linear1.bias block0.linear2.weight block0.linear2.bias "
        "norm.gamma norm.beta ");
  CHECK(buffers ==
        "block0.attention.scores.lhs_range block0.attention.scores.rhs_range block0.attention.values.lhs_range "
        "block0.attention.values.rhs_range block0.attention.q.lhs_range block0.attention.k.lhs_range "
        "block0.attention.v.lhs_range block0.attention.out.lhs_range block0.linear1.lhs_range block0.linear2.lhs_range "
        "head.lhs_range ");
}

TEST_CASE("language models: evaluation changes nothing") {
  for (const char* name : kModels) {
    const Run run = train(name, tiny(), "U:6", 1);
    const uint64_t before = layers::weights_hash(*run.model);
    const Batch batch(1);
    const std::vector<float> logits = floats(evaluate(*run.model, batch.tokens, 0, "U:6"));
    CHECK(floats(evaluate(*run.model, batch.tokens, 0, "U:6")) == logits);
    CHECK(layers::weights_hash(*run.model) == before);
  }
}
