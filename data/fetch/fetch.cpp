#include "data/fetch/fetch.h"

#include <filesystem>

#include "data/fetch/checksum.h"
#include "data/fetch/unpack.h"
#include "data/open.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMega = 1'000'000;

// CIFAR: addresses and checksums as published at https://www.cs.toronto.edu/~kriz/cifar.html. WikiText: the address its
// first author serves it at (the first one, at metamind.io, is closed); checksums as torchtext 0.15 lists them for the
// archives of that first address.
constexpr Source kSources[] = {
    {"cifar10", "60,000 images of 32x32 pixels in 10 classes; 162 MiB",
     "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530",
     "cifar-10-batches-bin", 200 * kMega, 400 * kMega},
    {"cifar100", "60,000 images of 32x32 pixels in 100 classes; 161 MiB",
     "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "md5", "03b5dce01913d631647c71ecec9e9cb8",
     "cifar-100-binary", 200 * kMega, 400 * kMega},
    {"wikitext-2", "2 million words of Wikipedia; 4 MB", "https://wikitext.smerity.com/wikitext-2-v1.zip", "md5",
     "542ccefacc6c27f945fb54453812b3cd", "wikitext-2", 10 * kMega, 50 * kMega},
    {"wikitext-103", "103 million words of Wikipedia; 181 MB", "https://wikitext.smerity.com/wikitext-103-v1.zip",
     "md5", "9ddaacaf6af0710eda8c456decff7832", "wikitext-103", 300 * kMega, 1000 * kMega},
};

/// A folder that goes away with all it holds.
class Scratch {
 public:
  explicit Scratch(fs::path path) : path_(std::move(path)) {
    std::error_code error;
    fs::remove_all(path_, error);  // of an attempt that was killed
    if (!fs::create_directories(path_, error)) {
      fail(ErrorKind::io, "[data] the folder {} cannot be made: {}", path_.string(), error.message());
    }
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void verify_archive(const std::string& file, const std::string& algorithm, const std::string& expected) {
  const std::string found = file_checksum(file, algorithm);
  if (found == expected) return;
  std::error_code ignored;
  fs::remove(file, ignored);
  fail(ErrorKind::data, "[data] what was downloaded has {} {}, expected {}; it was removed, run it again", algorithm,
       found, expected);
}

}  // namespace

std::span<const Source> sources() { return kSources; }

const Source& find_source(const std::string& name) {
  std::string names;
  for (const Source& source : kSources) {
    if (source.name == name) return source;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", source.name);
  }
  const char* why = name == "ptb" ? " (Penn Treebank is licensed: fqt reads it, but does not fetch it)" : "";
  fail(ErrorKind::usage, "[data] \"{}\" cannot be downloaded{}; there are {}", name, why, names);
}

std::string fetch(const Source& source, const FetchOptions& options, const DownloadProgress& progress) {
  const fs::path directory = options.directory, folder = directory / source.folder;
  std::error_code error;
  check(!fs::exists(folder, error), "[data] {} exists already; `fqt data verify` checks it, or take it away first",
        folder.string());
  fs::create_directories(directory, error);
  if (!fs::is_directory(directory)) {
    fail(ErrorKind::io, "[data] the folder {} cannot be made: {}", directory.string(), error.message());
  }
  const size_t colon = options.checksum.find(':');
  check(options.checksum.empty() || colon != std::string::npos,
        "[data] the checksum \"{}\" is not like md5:0123... or sha256:0123...", options.checksum);
  const bool official = options.checksum.empty();

  const std::string part = (directory / fmt::format("{}.part", source.name)).string();
  download(options.url.empty() ? std::string(source.url) : options.url, part, source.most_packed, progress);
  verify_archive(part, official ? std::string(source.algorithm) : options.checksum.substr(0, colon),
                 official ? std::string(source.checksum) : options.checksum.substr(colon + 1));
  const Scratch scratch(directory / fmt::format("{}.unpacking", source.name));
  unpack(part, scratch.path().string(), source.most_unpacked, [&] { progress(0, 0); });
  const fs::path unpacked = scratch.path() / source.folder;
  if (!fs::is_directory(unpacked) || !recognise(unpacked.string())) {
    fail(ErrorKind::data, "[data] the archive holds no folder {} of data that fqt knows", source.folder);
  }
  fs::rename(unpacked, folder, error);
  if (error) fail(ErrorKind::io, "[data] {} cannot be made: {}", folder.string(), error.message());
  fs::remove(part, error);
  return folder.string();
}

}  // namespace fqt::data
