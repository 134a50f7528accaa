#include "data/grammar.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "engine/check.h"
#include "engine/hash.h"

using namespace fqt;
using namespace fqt::data;
using GrammarSplit = GrammarText::Split;

namespace {

std::vector<int32_t> tokens_of(const TokenStream& stream, int64_t begin, int64_t count) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  stream.read(begin, tokens);
  return tokens;
}

/// The probability of `token` after `state`.
double probability(const grammar::State& state, int32_t token) {
  std::vector<grammar::Choice> choices;
  grammar::list_choices(state, choices);
  double weight = 0;
  for (const grammar::Choice& choice : choices) weight += choice.token == token ? choice.weight : 0;
  return weight / grammar::kTotal;
}

}  // namespace

TEST_CASE("grammar: every state's weights add up, and its words differ") {
  std::set<grammar::State> seen, border{grammar::State{}};
  std::vector<grammar::Choice> choices;
  while (!border.empty()) {
    std::set<grammar::State> next;
    for (const grammar::State& state : border) {
      grammar::list_choices(state, choices);
      uint64_t sum = 0;
      std::set<int32_t> words;
      for (const grammar::Choice& choice : choices) {
        sum += choice.weight;
        REQUIRE(choice.weight > 0);
        REQUIRE(words.insert(choice.token).second);
        const grammar::State after = grammar::advance(state, choice.token);
        if (!seen.contains(after)) next.insert(after);
      }
      REQUIRE(sum == grammar::kTotal);
    }
    seen.insert(border.begin(), border.end());
    border = std::move(next);
  }
  CHECK(seen.size() > 1000);
}

TEST_CASE("grammar: the stated entropy is what the true probabilities come to") {
  const GrammarText text(GrammarSplit::train, 7, 100);
  constexpr int64_t kDocuments = 4000;
  const std::vector<int32_t> tokens = tokens_of(text, 0, kDocuments * grammar::kDocument);
  double sum = 0, squares = 0;
  grammar::State state;
  for (int64_t document = 0; document < kDocuments; ++document) {
    double nats = 0;
    for (int64_t place = 0; place < grammar::kDocument; ++place) {
      const int32_t token = tokens[static_cast<size_t>(document * grammar::kDocument + place)];
      const double p = probability(state, token);
      REQUIRE(p > 0);
      nats -= std::log(p);
      state = grammar::advance(state, token);
    }
    CHECK(state == grammar::State{});
    sum += nats;
    squares += nats * nats;
  }
  // Documents are independent: the mean over them is normal, with this standard error. Five of them are missed once in
  // two million runs, and this run is one and the same every time.
  const double mean = sum / kDocuments, variance = squares / kDocuments - mean * mean;
  const double error = std::sqrt(variance / kDocuments) / static_cast<double>(grammar::kDocument);
  const double entropy = grammar::entropy(), found = mean / static_cast<double>(grammar::kDocument);
  MESSAGE("entropy " << entropy << " nats a token (perplexity " << std::exp(entropy) << "), found " << found << " +- "
                     << error);
  CHECK(std::fabs(found - entropy) < 5 * error);
  CHECK(error < 0.003);
}

TEST_CASE("grammar: memory pays: the entropy lies well below that of words by the one before them") {
  const GrammarText text(GrammarSplit::train, 1, 3000);
  const std::vector<int32_t> tokens = tokens_of(text, 0, text.size());
  std::map<std::pair<int32_t, int32_t>, double> pairs;
  std::map<int32_t, double> singles;
  for (size_t i = 1; i < tokens.size(); ++i) {
    ++pairs[{tokens[i - 1], tokens[i]}];
    ++singles[tokens[i - 1]];
  }
  double bits = 0;  // of the empirical conditional distribution: too low, if anything
  for (const auto& [pair, count] : pairs) bits -= count * std::log(count / singles[pair.first]);
  const double bigram = bits / static_cast<double>(tokens.size() - 1);
  MESSAGE("words by the one before: " << bigram << " nats");
  CHECK(bigram > grammar::entropy() + 0.5);
}

TEST_CASE("grammar: any piece of the text is the same piece, wherever reading begins") {
  const GrammarText text(GrammarSplit::train, 3, 10), other(GrammarSplit::train, 4, 10),
      test(GrammarSplit::test, 3, 10);
  const std::vector<int32_t> whole = tokens_of(text, 0, 1000);
  for (const int64_t begin : {0, 1, 67, 68, 69, 500}) {
    for (const int64_t count : {1, 2, 35, 68, 200}) {
      const std::vector<int32_t> expected(whole.begin() + begin, whole.begin() + begin + count);
      CHECK(tokens_of(text, begin, count) == expected);
    }
  }
  CHECK(tokens_of(other, 0, 68) != tokens_of(text, 0, 68));
  CHECK(tokens_of(test, 0, 68) != tokens_of(text, 0, 68));
  CHECK(tokens_of(text, int64_t{1} << 40, 5).size() == 5);
  CHECK_THROWS_AS(tokens_of(test, test.size() - 4, 5), Error);
  CHECK_THROWS_AS(tokens_of(text, -1, 5), Error);
  CHECK_THROWS_AS(GrammarText(GrammarSplit::test, 1, 0), Error);
}

TEST_CASE("grammar: the first words are known, and the vocabulary") {
  // Golden: another text is another data set, which must get another version in its keys.
  const std::vector<int32_t> tokens = tokens_of(GrammarText(GrammarSplit::train, 1, 10), 0, 2000);
  CHECK(to_hex(hash_bytes(std::as_bytes(std::span(tokens)))) == "8c90e8a204ab4b4f");
  CHECK(grammar::vocabulary().size() == 588);
  std::string sentence;
  for (size_t i = 0; i < 17; ++i) sentence += grammar::vocabulary().word(tokens[i]) + " ";
  CHECK(sentence ==
        "initially the dekun bogi that napets munas gosats the tamen loki and ribits lafely zovaly itself <eos> ");
}
