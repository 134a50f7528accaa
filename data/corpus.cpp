#include "data/corpus.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "data/encode.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kSplits = {"train", "valid", "test"};

/// A folder of one file a split.
struct Layout {
  std::string_view prefix, suffix;  ///< of the files' names, about the name of the split
  std::string_view level;           ///< as is the custom
  bool token_lines;                 ///< whether a line is a sentence or a paragraph, so that there are many

  std::string file(const fs::path& folder, std::string_view split) const {
    return (folder / fmt::format("{}{}{}", prefix, split, suffix)).string();
  }

  bool in(const fs::path& folder) const {
    return std::ranges::any_of(kSplits, [&](std::string_view split) {
      std::error_code ignored;
      return fs::exists(file(folder, split), ignored);
    });
  }
};

constexpr Layout kPtb{"ptb.", ".txt", "word", true};
constexpr Layout kWikiTokens{"wiki.", ".tokens", "word", true};
constexpr Layout kWikiRaw{"wiki.", ".raw", "char", false};
constexpr Layout kPlain{"", ".txt", "char", false};

/// A whole file, which must hold something.
std::string read_text(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) {
    fail(ErrorKind::missing, "[text] {} does not exist; the texts to train, to validate and to test with are needed",
         file);
  }
  if (!fs::exists(status)) fail(ErrorKind::io, "[text] cannot look at {}: {}", file, error.message());
  if (!fs::is_regular_file(status)) fail(ErrorKind::data, "[text] {} is not a file", file);
  const auto bytes = static_cast<int64_t>(fs::file_size(file, error));
  if (error) fail(ErrorKind::io, "[text] cannot look at {}: {}", file, error.message());
  if (bytes == 0) fail(ErrorKind::data, "[text] {} is empty", file);
  if (bytes > kMaxTextBytes) {
    fail(ErrorKind::data, "[text] {} holds {} bytes; texts of up to {} are read", file, bytes, kMaxTextBytes);
  }
  std::string text(static_cast<size_t>(bytes), '\0');
  if (!std::ifstream(file, std::ios::binary).read(text.data(), bytes)) {
    fail(ErrorKind::io, "[text] {} cannot be read; check its permissions", file);
  }
  return text;
}

EncodedText encode_file(const std::string& file, Encoder encode, Vocabulary& vocabulary) {
  EncodedText text = encode(read_text(file), file, vocabulary);
  if (text.words == 0) fail(ErrorKind::data, "[text] {} holds no words, only blanks and line ends", file);
  return text;
}

/// What training does not know becomes <unk>. Words are numbered in the order of appearance, so that those of the
/// training text are the first `known` of `all`.
Vocabulary limit_vocabulary(const Vocabulary& all, int64_t known, std::initializer_list<std::vector<int32_t>*> texts) {
  Vocabulary vocabulary;
  for (int32_t id = 0; id < known; ++id) vocabulary.add(all.word(id));
  for (std::vector<int32_t>* text : texts) {
    for (int32_t& token : *text) {
      if (token >= known) token = vocabulary.add(kUnknown);
    }
  }
  return vocabulary;
}

TextData make_data(const std::string& name, std::array<std::vector<int32_t>, 3> texts, const Vocabulary& all,
                   int64_t known) {
  Vocabulary vocabulary = limit_vocabulary(all, known, {&texts[1], &texts[2]});
  const auto stream = [&](size_t split) {
    return std::make_unique<StoredTokens>(fmt::format("{}/{}", name, kSplits[split]), std::move(texts[split]));
  };
  return {.train = stream(0),
          .valid = stream(1),
          .test = stream(2),
          .vocabulary = std::move(vocabulary),
          .entropy = std::nullopt};
}

TextData open_layout(const std::string& name, const Layout& layout, const std::string& folder,
                     const DataOptions& options) {
  const bool words = (options.level == "auto" ? layout.level : options.level) == "word";
  const Encoder encode = find_encoder(options.level == "auto" ? std::string(layout.level) : options.level);
  Vocabulary all;
  std::array<std::vector<int32_t>, 3> texts;
  int64_t known = 0;
  for (size_t split = 0; split < kSplits.size(); ++split) {
    const std::string file = layout.file(folder, kSplits[split]);
    EncodedText text = encode_file(file, encode, all);
    if (layout.token_lines && words && text.lines == 1) {
      fail(ErrorKind::data,
           "[text] {} is a single line, but a token file has a sentence or a paragraph a line; its line ends are lost",
           file);
    }
    if (split == 0) known = all.size();
    texts[split] = std::move(text.tokens);
  }
  return make_data(name, std::move(texts), all, known);
}

/// The texts of a file or a folder, in the order of their names.
std::vector<std::string> text_files(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return {path.string()};
  std::vector<std::string> files;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".txt") files.push_back(entry->path().string());
  }
  if (error) fail(ErrorKind::io, "[text] cannot list {}: {}", path.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

TextData open_whole(const std::string& path, const DataOptions& options) {
  constexpr int64_t kLeast = 40;  // so that 5 % are two tokens
  const Encoder encode = find_encoder(options.level == "auto" ? "char" : options.level);
  Vocabulary all;
  std::vector<int32_t> tokens;
  for (const std::string& file : text_files(path)) {
    const EncodedText text = encode_file(file, encode, all);
    tokens.insert(tokens.end(), text.tokens.begin(), text.tokens.end());
    if (static_cast<int64_t>(tokens.size()) > kMaxTextBytes) {
      fail(ErrorKind::data, "[text] {} holds more than {} tokens", path, kMaxTextBytes);
    }
  }
  const auto count = static_cast<int64_t>(tokens.size());
  if (count < kLeast) {
    fail(ErrorKind::data, "[text] {} holds {} tokens; at least {} are needed, to train, validate and test with", path,
         count, kLeast);
  }
  const auto train = tokens.begin() + count * 9 / 10, valid = train + count / 20;
  const int64_t known = 1 + *std::max_element(tokens.begin(), train);
  return make_data("text", {std::vector(tokens.begin(), train), std::vector(train, valid), {valid, tokens.end()}}, all,
                   known);
}

/// "wikitext-2" where the folder says so.
std::string wikitext_name(const std::string& path) {
  const std::string folder = fs::absolute(fs::path(path) / "").lexically_normal().parent_path().filename().string();
  return folder.starts_with("wikitext") ? folder : "wikitext";
}

}  // namespace

TextData open_ptb(const std::string& path, const DataOptions& options) {
  return open_layout("ptb", kPtb, path, options);
}

bool recognises_ptb(const std::string& path) { return kPtb.in(path); }

TextData open_wikitext(const std::string& path, const DataOptions& options) {
  return open_layout(wikitext_name(path), kWikiTokens.in(path) ? kWikiTokens : kWikiRaw, path, options);
}

bool recognises_wikitext(const std::string& path) { return kWikiTokens.in(path) || kWikiRaw.in(path); }

TextData open_plain_text(const std::string& path, const DataOptions& options) {
  return kPlain.in(path) ? open_layout("text", kPlain, path, options) : open_whole(path, options);
}

bool recognises_plain_text(const std::string& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return fs::path(path).extension() == ".txt";
  return fs::is_directory(path, ignored) && !text_files(path).empty();
}

}  // namespace fqt::data
