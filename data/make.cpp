#include "data/make.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "data/encode.h"
#include "data/grammar.h"
#include "data/image_file.h"
#include "data/shapes.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

using ItemProgress = std::function<void(int64_t done, int64_t total)>;

void write_bytes(const fs::path& file, const void* bytes, size_t count) {
  std::ofstream stream(file, std::ios::binary);
  if (!stream.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count)).flush()) {
    fail(ErrorKind::io, "[data] {} cannot be written; is the disk full?", file.string());
  }
}

/// Counts what is written.
class Counter {
 public:
  Counter(const ItemProgress& progress, int64_t total) : progress_(progress), total_(total) {}
  void add(int64_t count) { progress_(done_ += count, total_); }

 private:
  const ItemProgress& progress_;
  int64_t done_ = 0, total_;
};

/// Images begin to end - 1 of a set as records of CIFAR-10.
std::vector<uint8_t> cifar_records(const ImageDataset& set, int64_t begin, int64_t end, Counter& counter) {
  constexpr size_t kPlane = 32 * 32;
  std::vector<uint8_t> bytes, pixels(3 * kPlane);
  for (int64_t index = begin; index < end; ++index) {
    bytes.push_back(static_cast<uint8_t>(set.read(index, pixels)));
    for (size_t c = 0; c < 3; ++c)
      for (size_t i = 0; i < kPlane; ++i) bytes.push_back(pixels[3 * i + c]);
    counter.add(1);
  }
  return bytes;
}

void write_cifar(const ImageDataset& train, const ImageDataset& test, const fs::path& folder, Counter& counter) {
  constexpr int64_t kFiles = 5;
  check(train.size() >= kFiles, "[data] {} training images for {} files", train.size(), kFiles);
  for (int64_t i = 0; i < kFiles; ++i) {
    const std::vector<uint8_t> bytes =
        cifar_records(train, train.size() * i / kFiles, train.size() * (i + 1) / kFiles, counter);
    write_bytes(folder / fmt::format("data_batch_{}.bin", i + 1), bytes.data(), bytes.size());
  }
  const std::vector<uint8_t> bytes = cifar_records(test, 0, test.size(), counter);
  write_bytes(folder / "test_batch.bin", bytes.data(), bytes.size());
}

void write_pictures(const ImageDataset& set, const fs::path& folder, Counter& counter) {
  Picture picture{set.height(), set.width(), {}};
  picture.pixels.resize(static_cast<size_t>(3 * picture.height * picture.width));
  for (int64_t index = 0; index < set.size(); ++index) {
    const int32_t label = set.read(index, picture.pixels);
    const fs::path to = folder / fmt::format("{}_{}", label, ShapesDataset::class_name(label));
    fs::create_directories(to);
    const std::vector<uint8_t> png = encode_png(picture);
    write_bytes(to / fmt::format("{:06}.png", index), png.data(), png.size());
    counter.add(1);
  }
}

void make_shapes(const fs::path& folder, const MakeOptions& options, const ItemProgress& progress) {
  using Split = ShapesDataset::Split;
  constexpr int64_t kTrain = 20000, kTest = 2000;
  const int64_t side = options.side > 0 ? options.side : ShapesDataset::kSide;
  const ShapesDataset train(Split::train, options.seed, options.train > 0 ? options.train : kTrain, side);
  const ShapesDataset test(Split::test, options.seed, options.test > 0 ? options.test : kTest, side);
  check(std::min(train.size(), test.size()) >= train.classes(), "[data] {} and {} images do not show all {} classes",
        train.size(), test.size(), train.classes());
  Counter counter(progress, train.size() + test.size());
  if (options.side == 0) return write_cifar(train, test, folder, counter);
  write_pictures(train, folder / "train", counter);
  write_pictures(test, folder / "val", counter);
}

void make_grammar(const fs::path& folder, const MakeOptions& options, const ItemProgress& progress) {
  using Split = GrammarText::Split;
  constexpr int64_t kTrain = 14706, kTest = 1500;
  check(options.side == 0, "[data] grammar is text: a side means nothing to it");
  const int64_t train = options.train > 0 ? options.train : kTrain, test = options.test > 0 ? options.test : kTest;
  const std::array<std::pair<const char*, GrammarText>, 3> parts = {
      std::pair("train", GrammarText(Split::train, options.seed, train)),
      std::pair("valid", GrammarText(Split::valid, options.seed, test)),
      std::pair("test", GrammarText(Split::test, options.seed, test))};
  Counter counter(progress, train + 2 * test);
  for (const auto& [name, stream] : parts) {
    std::string text;
    std::vector<int32_t> tokens(grammar::kDocument);
    for (int64_t begin = 0; begin < stream.size(); begin += grammar::kDocument) {
      stream.read(begin, tokens);
      for (const int32_t token : tokens) {
        const std::string& word = grammar::vocabulary().word(token);
        text += word == kEndOfSentence ? "\n" : " " + word;
      }
      counter.add(1);
    }
    write_bytes(folder / fmt::format("ptb.{}.txt", name), text.data(), text.size());
  }
}

struct Maker {
  std::string_view name;
  void (*make)(const fs::path& folder, const MakeOptions& options, const ItemProgress& progress);
};

constexpr Maker kMakers[] = {{"shapes", make_shapes}, {"grammar", make_grammar}};

const Maker& find_maker(const std::string& name) {
  std::string names;
  for (const Maker& maker : kMakers) {
    if (maker.name == name) return maker;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", maker.name);
  }
  fail(ErrorKind::usage, "[data] \"{}\" is not built in; there are {}", name, names);
}

}  // namespace

void make_data(const std::string& name, const std::string& folder, const MakeOptions& options,
               const ItemProgress& progress) {
  const Maker& maker = find_maker(name);
  std::error_code error;
  const fs::path to = fs::path(folder).lexically_normal(), given = to.has_filename() ? to : to.parent_path();
  check(!given.empty() && !fs::exists(given, error), "[data] {} exists already; choose another folder", folder);
  const fs::path making = given.string() + ".making";
  fs::remove_all(making, error);  // of an attempt that was killed
  if (!fs::create_directories(making, error)) {
    fail(ErrorKind::io, "[data] the folder {} cannot be made: {}", making.string(), error.message());
  }
  try {
    maker.make(making, options, progress);
  } catch (...) {
    fs::remove_all(making, error);
    throw;
  }
  fs::rename(making, given, error);
  if (error) fail(ErrorKind::io, "[data] {} cannot be made: {}", given.string(), error.message());
}

}  // namespace fqt::data
