#include "data/corpus.h"

#include <doctest/doctest.h>

#include <chrono>

#include "data/encode.h"
#include "data_files.h"

using namespace fqt;
using namespace fqt::data;
using namespace fqt::test;

namespace {

/// The words of a text, a space between two.
std::string spelled(const TokenStream& stream, const Vocabulary& vocabulary) {
  std::vector<int32_t> tokens(static_cast<size_t>(stream.size()));
  stream.read(0, tokens);
  std::string text;
  for (const int32_t token : tokens) text += (text.empty() ? "" : " ") + vocabulary.word(token);
  return text;
}

void write_ptb(const TemporaryFolder& folder, const std::string& train, const std::string& valid,
               const std::string& test) {
  write_text(folder.path("ptb.train.txt"), train);
  write_text(folder.path("ptb.valid.txt"), valid);
  write_text(folder.path("ptb.test.txt"), test);
}

Failure corpus_failure(const std::string& path, const DataOptions& options = {}) {
  return failure_of([&] { open_data(path, options); });
}

constexpr const char* kTwoLines = "a b\nc d\n";

}  // namespace

TEST_CASE("ptb: words, line ends and what training does not know") {
  const TemporaryFolder folder;
  write_ptb(folder, " the cat \n\n the <unk> sat\n", "the dog\nsat", "a\tcat\r\nthe\n");
  const Data data = open_data(folder.path(), {});
  CHECK(data.name() == "ptb");
  const TextData& text = *data.text();
  CHECK(spelled(*text.train, text.vocabulary) == "the cat <eos> <eos> the <unk> sat <eos>");
  CHECK(spelled(*text.valid, text.vocabulary) == "the <unk> <eos> sat <eos>");
  CHECK(spelled(*text.test, text.vocabulary) == "<unk> cat <eos> the <eos>");
  CHECK(text.vocabulary.size() == 5);  // the cat <eos> <unk> sat, in the order of appearance
  CHECK(text.vocabulary.word(0) == "the");
  CHECK_FALSE(text.entropy);
  CHECK(open_data(folder.path(), {}).text()->train->hash() == text.train->hash());
}

TEST_CASE("text: <unk> joins the vocabulary only where it is needed") {
  const TemporaryFolder folder;
  write_ptb(folder, kTwoLines, kTwoLines, "d\nc\n");
  CHECK(open_data(folder.path(), {}).text()->vocabulary.size() == 5);
  write_ptb(folder, kTwoLines, kTwoLines, "e\nc\n");
  const Data data = open_data(folder.path(), {});
  CHECK(data.text()->vocabulary.size() == 6);
  CHECK(data.text()->vocabulary.find("<unk>") == 5);
  CHECK_FALSE(data.text()->vocabulary.find("e"));
}

TEST_CASE("text: characters are code points") {
  const TemporaryFolder folder;
  write_ptb(folder, "a\xC3\xA9\n\xE2\x82\xAC", "a\xF0\x9F\x98\x80", "\xC3\xA9\na");
  const Data data = open_data(folder.path(), {.level = "char"});
  const TextData& text = *data.text();
  CHECK(spelled(*text.train, text.vocabulary) == "a \xC3\xA9 \n \xE2\x82\xAC");
  CHECK(spelled(*text.valid, text.vocabulary) == "a <unk>");
  CHECK(spelled(*text.test, text.vocabulary) == "\xC3\xA9 \n a");
  CHECK(corpus_failure(folder.path(), {.level = "letter"}).says("word, char"));
}

TEST_CASE("wikitext: tokens are words, raw text is characters, and the folder names it") {
  const TemporaryFolder parent;
  const std::string folder = parent.path("wikitext-2");
  std::filesystem::create_directory(folder);
  for (const char* split : {"train", "valid", "test"})
    write_text(fmt::format("{}/wiki.{}.raw", folder, split), kTwoLines);
  CHECK(open_data(folder, {}).name() == "wikitext-2");
  CHECK(open_data(folder, {}).text()->train->size() == 8);
  CHECK(open_data(folder, {.level = "word"}).text()->train->size() == 6);
  for (const char* split : {"train", "valid", "test"})
    write_text(fmt::format("{}/wiki.{}.tokens", folder, split), kTwoLines);
  CHECK(open_data(folder, {}).text()->train->size() == 6);
}

TEST_CASE("plain text: split by position, vocabulary of the part that trains") {
  const TemporaryFolder folder;
  std::string letters;
  for (int i = 0; i < 100; ++i) letters += static_cast<char>(i < 90 ? 'a' + i % 5 : 'p' + i % 10);
  write_text(folder.path("book.txt"), letters);
  for (const std::string& path : {folder.path("book.txt"), folder.path()}) {
    const Data data = open_data(path, {});
    CHECK(data.name() == "text");
    CHECK(data.text()->train->size() == 90);
    CHECK(data.text()->valid->size() == 5);
    CHECK(data.text()->test->size() == 5);
    CHECK(data.text()->vocabulary.size() == 6);
    CHECK(spelled(*data.text()->test, data.text()->vocabulary) == "<unk> <unk> <unk> <unk> <unk>");
  }
  write_text(folder.path("a.txt"), "zz");  // before book.txt
  CHECK(open_data(folder.path(), {}).text()->vocabulary.word(0) == "z");
  std::string words;
  for (int i = 0; i < 50; ++i) words += "word ";
  write_text(folder.path("book.txt"), words);
  CHECK(open_data(folder.path("book.txt"), {.level = "word"}).text()->train->size() == 45);
  write_text(folder.path("book.txt"), "too short");
  CHECK(corpus_failure(folder.path("book.txt")).says("9 tokens"));
}

TEST_CASE("plain text: files named by split are taken so") {
  const TemporaryFolder folder;
  for (const char* split : {"train", "valid", "test"}) write_text(folder.path(split + std::string(".txt")), "abc");
  CHECK(open_data(folder.path(), {}).text()->train->size() == 3);
  std::filesystem::remove(folder.path("valid.txt"));
  CHECK(corpus_failure(folder.path()).kind == ErrorKind::missing);
}

TEST_CASE("text: what is malformed is named") {
  const TemporaryFolder folder;
  const std::string train = folder.path("ptb.train.txt"), valid = folder.path("ptb.valid.txt");
  const auto fails = [&](const std::string& file, const std::string& text, const std::string& expected) {
    write_ptb(folder, kTwoLines, kTwoLines, kTwoLines);
    write_text(file, text);
    const Failure failure = corpus_failure(folder.path());
    CAPTURE(failure.message);
    CHECK(failure.kind == ErrorKind::data);
    CHECK(failure.says(file));
    CHECK(failure.says(expected));
  };
  fails(train, "", "is empty");
  fails(valid, "", "is empty");
  fails(train, " \n\t\n\n", "no words");
  fails(train, "one line of many words\n", "single line");
  fails(valid, "one line of many words", "single line");
  fails(train, "good\nba\xFF\n", "byte 7 (0xff)");
  fails(train, "cut off\n\xE2\x82", "byte 8 (0xe2)");
  fails(valid, "overlong\n\xC0\x80", "byte 9 (0xc0)");
  fails(valid, "surrogate\n\xED\xA0\x80", "byte 10 (0xed)");
  fails(valid, "beyond\n\xF4\x90\x80\x80", "byte 7 (0xf4)");

  write_ptb(folder, kTwoLines, kTwoLines, kTwoLines);
  std::filesystem::remove(valid);
  CHECK(corpus_failure(folder.path()).kind == ErrorKind::missing);
  CHECK(corpus_failure(folder.path()).says(valid + " does not exist"));
  std::filesystem::create_directory(valid);
  CHECK(corpus_failure(folder.path()).says("is not a file"));
  std::filesystem::remove(valid);
  write_text(valid, kTwoLines);
  std::filesystem::resize_file(valid, 1LL << 40);  // a hole: takes no space
  CHECK(corpus_failure(folder.path()).says("1099511627776 bytes"));
}

TEST_CASE("ptb: the real data, where it is at hand") {
  const std::string folder = real_data() + "/ptb";
  if (!recognises_ptb(folder)) {
    MESSAGE("skipped: no Penn Treebank in " << folder << "; set FQT_DATA to the folder of ptb");
    return;
  }
  const TextData text = open_ptb(folder, {});
  CHECK(text.train->size() == 929589);
  CHECK(text.valid->size() == 73760);
  CHECK(text.test->size() == 82430);
  CHECK(text.vocabulary.size() == 10000);
}

TEST_CASE("wikitext: the real data, where it is at hand") {
  const std::string folder = real_data() + "/wikitext-2";
  if (!recognises_wikitext(folder)) {
    MESSAGE("skipped: no WikiText-2 in " << folder << "; set FQT_DATA to the folder of wikitext-2");
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  const TextData text = open_wikitext(folder, {});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  MESSAGE("read in " << seconds << " s");
  // The published counts, with an <eos> a line, and the vocabulary: 33,278 words.
  CHECK(text.train->size() == 2088628);
  CHECK(text.valid->size() == 217646);
  CHECK(text.test->size() == 245569);
  CHECK(text.vocabulary.size() == 33278);
}
