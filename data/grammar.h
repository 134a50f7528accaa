#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/open.h"

namespace fqt::data {

inline constexpr int64_t kGrammarWords = 588;

/// A stochastic grammar of 588 words whose entropy is known. Documents of four sentences follow each other; a sentence
/// has sixteen words and <eos>:
///
///   cue  det adj NOUN  (prep det noun | that VERB nouns)  VERB  det adj noun  (and VERB adverb | prep det noun)
///   adverb  PRONOUN <eos>
///
/// What a model gains by remembering: the cue says which of the four sentences this is; a document's nouns are all of
/// the topic that its first noun shows, one of eight, and the topic decides which verbs are frequent; VERBs and the
/// PRONOUN agree in number with the subject NOUN, whatever nouns stand in between; the last adverb goes with the main
/// verb, seven words earlier. Words of a class are distributed by Zipf's law.
///
/// What may follow depends on the visible words of the document alone (a deterministic automaton reads them), so that
/// the entropy is an expectation over its states: no model can be better than exp(entropy) on average.
namespace grammar {

/// What the words of a document so far say about the next one.
struct State {
  int16_t slot = 0;      ///< place in the sentence, 0 to kSentence - 1
  int16_t sentence = 0;  ///< place in the document
  int16_t topic = -1;    ///< -1: not shown yet
  int16_t subject = -1;  ///< number of the subject: 0 singular, 1 plural, -1 none yet
  int16_t marked = -1;   ///< number that the determiner before the next noun shows, -1 none
  int16_t verb = -1;     ///< main verb, while its adverb is to come
  int16_t branch = -1;   ///< which of the two phrases this is, within one

  auto operator<=>(const State&) const = default;
};

/// A word that may come next; the weights of a state's choices add up to kTotal.
struct Choice {
  int32_t token;
  uint32_t weight;
};

inline constexpr int64_t kSentence = 17, kSentences = 4, kDocument = kSentence * kSentences;  ///< tokens; sentences
inline constexpr uint32_t kTotal = 1 << 16;

const Vocabulary& vocabulary();
/// Replaces `choices` by what may come next.
void list_choices(const State& state, std::vector<Choice>& choices);
/// The state after `token`, one of the choices.
State advance(const State& state, int32_t token);

/// Nats a token: the mean over a document's places of the expected entropy of the next token.
double entropy();

}  // namespace grammar

/// Documents drawn from the grammar. Document i is a function of (seed, split, i).
class GrammarText : public TokenStream {
 public:
  enum class Split { train, valid, test };

  /// Training text never ends: `documents` of them are called an epoch. Error(usage) unless documents >= 1.
  GrammarText(Split split, uint64_t seed, int64_t documents);

  std::string name() const override;
  int64_t size() const override { return documents_ * grammar::kDocument; }
  bool endless() const override { return split_ == Split::train; }
  void read(int64_t begin, std::span<int32_t> tokens) const override;
  uint64_t hash() const override;

 private:
  Split split_;
  uint64_t seed_;
  int64_t documents_;
};

/// 1,000,008 training tokens an epoch; 102,000 each to validate and to test with.
TextData open_grammar(const std::string& path, const DataOptions& options);

}  // namespace fqt::data
