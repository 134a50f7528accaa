#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fqt::data {

/// The words (or characters) of a text and their numbers, 0 to size() - 1.
class Vocabulary {
 public:
  /// More words than float32 counts without loss, which is how models are given them.
  static constexpr int64_t kMaxWords = int64_t{1} << 24;

  Vocabulary() = default;
  /// Error(usage) where a word stands twice.
  explicit Vocabulary(std::vector<std::string> words);

  int64_t size() const { return static_cast<int64_t>(words_.size()); }
  /// Error(usage) unless 0 <= id < size().
  const std::string& word(int32_t id) const;
  std::optional<int32_t> find(std::string_view word) const;
  /// The number of `word`, which gets the next one where it is new. Error(data) beyond kMaxWords.
  int32_t add(std::string_view word);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
  };

  std::vector<std::string> words_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> ids_;
};

/// A text as the numbers of its words. Reading is const, thread-safe and a function of its arguments alone.
class TokenStream {
 public:
  virtual ~TokenStream() = default;
  virtual std::string name() const = 0;
  /// Tokens an epoch.
  virtual int64_t size() const = 0;
  /// An endless text may be read beyond size(), and shows new tokens every epoch.
  virtual bool endless() const { return false; }
  /// Writes tokens begin, begin + 1, ... to all of `tokens`.
  virtual void read(int64_t begin, std::span<int32_t> tokens) const = 0;
  /// Names the content: equal for equal data.
  virtual uint64_t hash() const = 0;
};

/// A text held in memory.
class StoredTokens : public TokenStream {
 public:
  /// Error(data) where there are fewer than two tokens: then there is none to predict.
  StoredTokens(std::string name, std::vector<int32_t> tokens);

  std::string name() const override { return name_; }
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }
  void read(int64_t begin, std::span<int32_t> tokens) const override;
  uint64_t hash() const override { return hash_; }

 private:
  std::string name_;
  std::vector<int32_t> tokens_;
  uint64_t hash_;
};

struct TextData {
  std::unique_ptr<TokenStream> train, valid, test;
  Vocabulary vocabulary;
  /// What the best possible model comes to, in nats a token, where that is known: the entropy rate of the source.
  std::optional<double> entropy;
};

}  // namespace fqt::data
