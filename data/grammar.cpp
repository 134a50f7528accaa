#include "data/grammar.h"

#include <algorithm>
#include <array>
#include <map>

#include "data/encode.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/math.h"
#include "engine/random.h"

namespace fqt::data {
namespace grammar {
namespace {

/// Part of every key and of the hash: raise it when the grammar changes.
constexpr std::string_view kVersion = "grammar 1";

constexpr int kTopics = 8, kNouns = 24, kVerbs = 40, kAdjectives = 60, kAdverbs = 30;

// Words of a closed class. Determiners stand in threes: for the singular, for the plural, for both.
constexpr std::array<std::string_view, 12> kCues = {"first", "once",      "initially", "then",    "next", "after",
                                                    "later", "meanwhile", "again",     "finally", "last", "ultimately"};
constexpr std::array<std::string_view, 9> kDeterminers = {"a",       "this", "every", "these", "many",
                                                          "several", "the",  "my",    "our"};
constexpr std::array<std::string_view, 8> kPrepositions = {"of",    "in",     "with",   "near",
                                                           "under", "behind", "beyond", "without"};
constexpr std::array<std::string_view, 2> kPronouns = {"itself", "themselves"};

/// Where the words of each class begin in the vocabulary.
enum First : int32_t {
  kEos = 0,
  kThat = 1,
  kAnd = 2,
  kFirstPronoun = 3,
  kFirstCue = kFirstPronoun + 2,
  kFirstDeterminer = kFirstCue + 12,
  kFirstPreposition = kFirstDeterminer + 9,
  kFirstAdjective = kFirstPreposition + 8,
  kFirstAdverb = kFirstAdjective + kAdjectives,
  kFirstVerb = kFirstAdverb + kAdverbs,  // verb v, singular: + 2 v; plural: + 2 v + 1
  kFirstNoun = kFirstVerb + 2 * kVerbs,  // noun k of topic t: + 2 (t kNouns + k), and 1 for the plural
  kWords = kFirstNoun + 2 * kTopics * kNouns,
};
static_assert(kWords == kGrammarWords);

/// Two syllables; the first 225 are different.
std::string stem(int index) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvz", kVowels = "aeiou";
  const auto syllable = [&](int i) {
    return std::string{kConsonants[static_cast<size_t>(i) % kConsonants.size()],
                       kVowels[static_cast<size_t>(i) % kVowels.size()]};
  };
  return syllable(index) + syllable(index / 70 + 3 * index + 1);
}

Vocabulary make_vocabulary() {
  std::vector<std::string> words{std::string(kEndOfSentence), "that", "and"};
  const auto append = [&](const auto& list) { words.insert(words.end(), list.begin(), list.end()); };
  append(kPronouns);
  append(kCues);
  append(kDeterminers);
  append(kPrepositions);
  for (int i = 0; i < kAdjectives; ++i) words.push_back(stem(i) + "n");
  for (int i = 0; i < kAdverbs; ++i) words.push_back(stem(i) + "ly");
  for (int i = 0; i < kVerbs; ++i) {
    words.push_back(stem(i) + "ts");
    words.push_back(stem(i) + "t");
  }
  for (int i = 0; i < kTopics * kNouns; ++i) {
    words.push_back(stem(i));
    words.push_back(stem(i) + "s");
  }
  return Vocabulary(std::move(words));
}

/// Zipf's law over `count` words in integers: about 1 / (k + 1) each, 2^12 in all.
template <size_t count>
constexpr std::array<uint32_t, count> zipf() {
  constexpr uint64_t kOne = uint64_t{1} << 40;
  std::array<uint32_t, count> weights{};
  uint64_t sum = 0;
  for (size_t k = 0; k < count; ++k) sum += kOne / (k + 1);
  uint32_t rest = 1 << 12;
  for (size_t k = 0; k < count; ++k) rest -= weights[k] = static_cast<uint32_t>((kOne / (k + 1) << 12) / sum);
  weights[0] += rest;
  return weights;
}

/// Adds words first, first + stride, ..., the likeliest of them being the one at `shift`. A class has weight 2^12 <<
/// scale.
template <size_t count>
void add_class(std::vector<Choice>& choices, int32_t first, int scale, size_t shift = 0, int32_t stride = 1) {
  static constexpr std::array<uint32_t, count> kWeights = zipf<count>();
  for (size_t k = 0; k < count; ++k) {
    const auto word = static_cast<int32_t>((k + shift) % count);
    choices.push_back({first + stride * word, kWeights[k] << scale});
  }
}

/// Nouns of the topic, or of any where none is shown; of the number, or of both where it is -1.
void add_nouns(std::vector<Choice>& choices, int topic, int number) {
  for (int t = topic < 0 ? 0 : topic; t < (topic < 0 ? kTopics : topic + 1); ++t) {
    for (int n = number < 0 ? 0 : number; n < (number < 0 ? 2 : number + 1); ++n) {
      const int scale = 4 - (topic < 0 ? 3 : 0) - (number < 0 ? 1 : 0);
      add_class<kNouns>(choices, kFirstNoun + 2 * t * kNouns + n, scale, 0, 2);
    }
  }
}

void add_verbs(std::vector<Choice>& choices, const State& state, int scale = 4) {
  add_class<kVerbs>(choices, kFirstVerb + state.subject, scale, static_cast<size_t>(5 * state.topic), 2);
}

void add_determiners(std::vector<Choice>& choices) { add_class<9>(choices, kFirstDeterminer, 4, 6); }
void add_adjectives(std::vector<Choice>& choices) { add_class<kAdjectives>(choices, kFirstAdjective, 4); }

/// Either of two words or classes opens a phrase: a preposition, or `word`.
void add_branches(std::vector<Choice>& choices, int32_t word) {
  add_class<8>(choices, kFirstPreposition, 3);
  choices.push_back({word, kTotal / 2});
}

using List = void (*)(const State&, std::vector<Choice>&);

/// What may stand in each place of a sentence.
constexpr std::array<List, kSentence> kSlots = {
    [](const State& s, std::vector<Choice>& c) { add_class<3>(c, kFirstCue + 3 * s.sentence, 4); },
    [](const State&, std::vector<Choice>& c) { add_determiners(c); },
    [](const State&, std::vector<Choice>& c) { add_adjectives(c); },
    [](const State& s, std::vector<Choice>& c) { add_nouns(c, s.topic, s.marked); },  // the subject
    [](const State&, std::vector<Choice>& c) { add_branches(c, kThat); },
    [](const State& s, std::vector<Choice>& c) { s.branch == 0 ? add_determiners(c) : add_verbs(c, s); },
    [](const State& s, std::vector<Choice>& c) { add_nouns(c, s.topic, s.branch == 0 ? s.marked : 1); },
    [](const State& s, std::vector<Choice>& c) { add_verbs(c, s); },  // the main verb
    [](const State&, std::vector<Choice>& c) { add_determiners(c); },
    [](const State&, std::vector<Choice>& c) { add_adjectives(c); },
    [](const State& s, std::vector<Choice>& c) { add_nouns(c, s.topic, s.marked); },
    [](const State&, std::vector<Choice>& c) { add_branches(c, kAnd); },
    [](const State& s, std::vector<Choice>& c) { s.branch == 0 ? add_determiners(c) : add_verbs(c, s); },
    [](const State& s, std::vector<Choice>& c) {
      s.branch == 0 ? add_nouns(c, s.topic, s.marked) : add_class<kAdverbs>(c, kFirstAdverb, 4);
    },
    [](const State& s, std::vector<Choice>& c) {
      add_class<kAdverbs>(c, kFirstAdverb, 4, static_cast<size_t>(s.verb));
    },
    [](const State& s, std::vector<Choice>& c) {
      c.push_back({kFirstPronoun + s.subject, kTotal});
    },
    [](const State&, std::vector<Choice>& c) {
      c.push_back({kEos, kTotal});
    },
};

constexpr int16_t kSubject = 3, kMainVerb = 7, kLastAdverb = 14, kPronoun = 15;

double entropy_of(const std::vector<Choice>& choices) {
  double sum = 0;
  for (const Choice& choice : choices) {
    const double probability = static_cast<double>(choice.weight) / kTotal;
    sum -= probability * math::log(probability);
  }
  return sum;
}

/// The token of a draw in [0, kTotal).
int32_t pick(const std::vector<Choice>& choices, uint32_t draw) {
  for (const Choice& choice : choices) {
    if (draw < choice.weight) return choice.token;
    draw -= choice.weight;
  }
  fail(ErrorKind::internal, "[grammar] the weights of a state do not add up to {}", kTotal);
}

}  // namespace

const Vocabulary& vocabulary() {
  static const Vocabulary words = make_vocabulary();
  return words;
}

void list_choices(const State& state, std::vector<Choice>& choices) {
  choices.clear();
  kSlots[static_cast<size_t>(state.slot)](state, choices);
}

State advance(const State& state, int32_t token) {
  State next = state;
  if (token >= kFirstNoun) {
    const int32_t noun = token - kFirstNoun;
    next.topic = static_cast<int16_t>(noun / (2 * kNouns));
    if (state.slot == kSubject) next.subject = static_cast<int16_t>(noun % 2);
    next.marked = -1;
    next.branch = -1;
  } else if (token >= kFirstVerb) {
    if (state.slot == kMainVerb) next.verb = static_cast<int16_t>((token - kFirstVerb) / 2);
  } else if (token >= kFirstAdverb) {
    next.branch = -1;
    if (state.slot == kLastAdverb) next.verb = -1;
  } else if (token >= kFirstPreposition && token < kFirstAdjective) {
    next.branch = 0;
  } else if (token >= kFirstDeterminer && token < kFirstPreposition) {
    const int32_t third = (token - kFirstDeterminer) / 3;
    next.marked = static_cast<int16_t>(third == 2 ? -1 : third);
  } else if (token == kThat || token == kAnd) {
    next.branch = 1;
  }
  if (state.slot == kPronoun) next.subject = -1;
  if (++next.slot < kSentence) return next;
  next.slot = 0;
  if (++next.sentence < kSentences) return next;
  return {};
}

double entropy() {
  std::map<State, double> states{{State{}, 1.0}};
  std::vector<Choice> choices;
  double sum = 0;
  for (int64_t place = 0; place < kDocument; ++place) {
    std::map<State, double> after;
    for (const auto& [state, probability] : states) {
      list_choices(state, choices);
      sum += probability * entropy_of(choices);
      for (const Choice& choice : choices) after[advance(state, choice.token)] += probability * choice.weight / kTotal;
    }
    states = std::move(after);
  }
  return sum / static_cast<double>(kDocument);
}

namespace {

std::array<int32_t, kDocument> draw_document(const RandomKey& key) {
  std::array<int32_t, kDocument> tokens;
  std::vector<Choice> choices;
  State state;
  for (size_t place = 0; place < tokens.size(); ++place) {
    list_choices(state, choices);
    tokens[place] = pick(choices, random_word(key, place) >> 16);
    state = advance(state, tokens[place]);
  }
  return tokens;
}

}  // namespace
}  // namespace grammar

namespace {

using Split = GrammarText::Split;

constexpr std::array<const char*, 3> kNames = {"grammar/train", "grammar/valid", "grammar/test"};

}  // namespace

GrammarText::GrammarText(Split split, uint64_t seed, int64_t documents)
    : split_(split), seed_(seed), documents_(documents) {
  check(documents >= 1, "[grammar] {} documents asked for; at least 1 is needed", documents);
}

std::string GrammarText::name() const { return kNames[static_cast<size_t>(split_)]; }

void GrammarText::read(int64_t begin, std::span<int32_t> tokens) const {
  const auto count = static_cast<int64_t>(tokens.size());
  check(begin >= 0 && (endless() || (begin <= size() && count <= size() - begin)),
        "[grammar] tokens {} to {} asked for, of {}", begin, begin + count, size());
  for (int64_t done = 0; done < count;) {
    const int64_t document = (begin + done) / grammar::kDocument, from = (begin + done) % grammar::kDocument;
    const auto drawn = grammar::draw_document(random_key(
        seed_, {hash_text(grammar::kVersion), static_cast<uint64_t>(split_), static_cast<uint64_t>(document)}));
    const int64_t part = std::min(count - done, grammar::kDocument - from);
    std::copy_n(drawn.begin() + from, part, tokens.begin() + done);
    done += part;
  }
}

uint64_t GrammarText::hash() const {
  return hash_text(name(), hash_text(grammar::kVersion, seed_) + static_cast<uint64_t>(documents_));
}

TextData open_grammar(const std::string&, const DataOptions& options) {
  const auto stream = [&](Split split, int64_t documents) {
    return std::make_unique<GrammarText>(split, options.seed, documents);
  };
  return {.train = stream(Split::train, 14706),
          .valid = stream(Split::valid, 1500),
          .test = stream(Split::test, 1500),
          .vocabulary = grammar::vocabulary(),
          .entropy = grammar::entropy()};
}

}  // namespace fqt::data
