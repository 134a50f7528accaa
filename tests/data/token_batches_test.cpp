#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "data/loader.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::data;

namespace {

/// Token i is i.
class Counting : public TokenStream {
 public:
  explicit Counting(int64_t size, bool endless = false) : size_(size), endless_(endless) {}

  std::string name() const override { return "counting/train"; }
  int64_t size() const override { return size_; }
  bool endless() const override { return endless_; }
  void read(int64_t begin, std::span<int32_t> tokens) const override {
    REQUIRE(begin >= 0);
    if (!endless_) REQUIRE(begin + static_cast<int64_t>(tokens.size()) <= size_);
    std::iota(tokens.begin(), tokens.end(), static_cast<int32_t>(begin));
  }
  uint64_t hash() const override { return 0; }

 private:
  int64_t size_;
  bool endless_;
};

std::vector<int32_t> inputs(const Batch& batch) { return {batch.inputs.values().begin(), batch.inputs.values().end()}; }

using Tokens = std::vector<int32_t>;

}  // namespace

TEST_CASE("token batches: rows of consecutive tokens, labels one further") {
  const Counting text(14);  // 13 inputs: 2 rows of 6, and one that fills none
  const LoaderOptions options{.batch = 2, .sequence = 4, .drop_last = false};
  const Batch first = make_batch(text, options, 0), second = make_batch(text, options, 1);
  CHECK(first.inputs.shape() == Shape{2, 4});
  CHECK(inputs(first) == Tokens{0, 1, 2, 3, 6, 7, 8, 9});
  CHECK(first.labels == Tokens{1, 2, 3, 4, 7, 8, 9, 10});
  CHECK(first.restart);
  CHECK(second.inputs.shape() == Shape{2, 2});  // what is left of the rows
  CHECK(inputs(second) == Tokens{4, 5, 10, 11});
  CHECK(second.labels == Tokens{5, 6, 11, 12});
  CHECK_FALSE(second.restart);
  const Batch next = make_batch(text, options, 2);  // an epoch later
  CHECK(inputs(next) == inputs(first));
  CHECK(next.restart);
}

TEST_CASE("token batches: the last, shorter step is left out on demand") {
  const Counting text(14);
  const LoaderOptions options{.batch = 2, .sequence = 4, .drop_last = true};
  CHECK(inputs(make_batch(text, options, 1)) == inputs(make_batch(text, options, 0)));
  CHECK(make_batch(text, options, 1).restart);
}

TEST_CASE("token batches: evaluation counts every label exactly once") {
  for (const int64_t size : {2, 9, 14, 37, 100}) {
    for (const int64_t batch : {1, 2, 5, 8}) {
      for (const int64_t sequence : {1, 3, 35}) {
        if (size - 1 < batch) continue;
        CAPTURE(size);
        CAPTURE(batch);
        CAPTURE(sequence);
        const Counting text(size);
        const LoaderOptions options{.batch = batch, .sequence = sequence, .drop_last = false, .every_token = true};
        const auto source = token_batches(text, options);
        Tokens labels;
        int64_t rows = batch;
        for (int64_t step = 0; step < source->batches_per_epoch(); ++step) {
          const Batch made = source->make(step);
          CHECK(made.inputs.dim(1) <= sequence);
          CHECK(made.restart == (step == 0 || made.inputs.dim(0) != rows || (batch == 1 && step == 0)));
          rows = made.inputs.dim(0);
          for (size_t i = 0; i < made.labels.size(); ++i) CHECK(made.labels[i] == inputs(made)[i] + 1);
          labels.insert(labels.end(), made.labels.begin(), made.labels.end());
        }
        std::sort(labels.begin(), labels.end());
        Tokens expected(static_cast<size_t>(size - 1));
        std::iota(expected.begin(), expected.end(), 1);
        CHECK(labels == expected);
      }
    }
  }
}

TEST_CASE("token batches: an endless text goes on with new tokens") {
  const Counting text(9, /*endless=*/true);
  const LoaderOptions options{.batch = 2, .sequence = 4};
  CHECK(inputs(make_batch(text, options, 0)) == Tokens{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(inputs(make_batch(text, options, 3)) == Tokens{27, 28, 29, 30, 31, 32, 33, 34});
}

TEST_CASE("token batches: the loader yields what make_batch makes, wherever it starts") {
  const Counting text(100);
  for (const int64_t start : {0, 5}) {
    const LoaderOptions options{.batch = 3, .sequence = 7, .drop_last = false, .start_step = start};
    Loader loader(text, options);
    CHECK(loader.batches_per_epoch() == 5);  // rows of 33
    for (int64_t step = start; step < start + 12; ++step) {
      const Batch batch = loader.next(), expected = make_batch(text, options, step);
      CHECK(batch.labels == expected.labels);
      CHECK(inputs(batch) == inputs(expected));
      CHECK(batch.restart == expected.restart);
    }
  }
}

TEST_CASE("token batches: options that make no batch are refused") {
  const Counting text(10);
  CHECK_THROWS_AS(Loader(text, {.batch = 0}), Error);
  CHECK_THROWS_AS(Loader(text, {.batch = 10}), Error);
  CHECK_THROWS_AS(Loader(text, {.batch = 1, .sequence = 0}), Error);
  CHECK_THROWS_AS(Loader(text, {.batch = 1, .sequence = 10, .drop_last = true}), Error);
  CHECK_THROWS_AS(Loader(text, {.batch = 1, .drop_last = true, .every_token = true}), Error);
  CHECK_THROWS_AS(make_batch(text, {.batch = 1, .sequence = 2}, -1), Error);
}

TEST_CASE("stored tokens: reading stays inside, and a text of one token is refused") {
  const StoredTokens text("a/train", {5, 6, 7});
  Tokens tokens(2);
  text.read(1, tokens);
  CHECK(tokens == Tokens{6, 7});
  CHECK_THROWS_AS(text.read(2, tokens), Error);
  CHECK_THROWS_AS(text.read(-1, tokens), Error);
  CHECK(text.hash() != StoredTokens("a/train", {5, 6, 8}).hash());
  CHECK_THROWS_AS(StoredTokens("a/train", {1}), Error);
}

TEST_CASE("vocabulary: words and numbers") {
  Vocabulary words({"a", "b"});
  CHECK(words.add("c") == 2);
  CHECK(words.add("a") == 0);
  CHECK(words.word(1) == "b");
  CHECK(words.find("c") == 2);
  CHECK_FALSE(words.find("d"));
  CHECK_THROWS_AS(words.word(3), Error);
  CHECK_THROWS_AS(Vocabulary({"a", "a"}), Error);
}
