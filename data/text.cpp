#include "data/text.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/hash.h"

namespace fqt::data {

Vocabulary::Vocabulary(std::vector<std::string> words) {
  for (const std::string& word : words) {
    const int64_t before = size();
    check(add(word) == before, "[vocabulary] \"{}\" stands twice", word);
  }
}

const std::string& Vocabulary::word(int32_t id) const {
  check(id >= 0 && id < size(), "[vocabulary] there is no word {} among {}", id, size());
  return words_[static_cast<size_t>(id)];
}

std::optional<int32_t> Vocabulary::find(std::string_view word) const {
  const auto found = ids_.find(word);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

int32_t Vocabulary::add(std::string_view word) {
  if (const std::optional<int32_t> id = find(word)) return *id;
  if (size() == kMaxWords) fail(ErrorKind::data, "[vocabulary] more than {} different words", kMaxWords);
  const auto id = static_cast<int32_t>(size());
  words_.emplace_back(word);
  ids_.emplace(words_.back(), id);
  return id;
}

StoredTokens::StoredTokens(std::string name, std::vector<int32_t> tokens)
    : name_(std::move(name)), tokens_(std::move(tokens)), hash_(hash_bytes(std::as_bytes(std::span(tokens_)))) {
  if (size() < 2) {
    fail(ErrorKind::data, "[text] {} holds {} token{}; at least 2 are needed, to predict one from the other", name_,
         size(), size() == 1 ? "" : "s");
  }
}

void StoredTokens::read(int64_t begin, std::span<int32_t> tokens) const {
  const auto count = static_cast<int64_t>(tokens.size());
  check(begin >= 0 && begin <= size() && count <= size() - begin, "[text] tokens {} to {} asked for, of {} in {}",
        begin, begin + count, size(), name_);
  std::copy_n(tokens_.begin() + begin, count, tokens.begin());
}

}  // namespace fqt::data
