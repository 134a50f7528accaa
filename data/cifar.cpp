#include "data/cifar.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "engine/check.h"
#include "engine/hash.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

/// Where the files of a distribution lie.
struct Place {
  std::string_view folder;  ///< its usual name
  std::vector<std::string_view> train;
  std::string_view test;

  bool in(const fs::path& path) const {
    std::error_code ignored;
    const auto holds = [&](std::string_view file) { return fs::exists(path / file, ignored); };
    return std::any_of(train.begin(), train.end(), holds) || holds(test);
  }

  /// The folder of the files for the path a person gave; empty where there is none.
  fs::path find(const fs::path& path) const {
    for (const fs::path& candidate : {path, path / folder}) {
      if (in(candidate)) return candidate;
    }
    return {};
  }
};

const Place kCifar10{
    "cifar-10-batches-bin",
    {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
    "test_batch.bin"};
const Place kCifar100{"cifar-100-binary", {"train.bin"}, "test.bin"};

/// The number of whole records in `file`; an error where there is none or a part of one.
int64_t count_records(const std::string& file, const CifarFormat& format) {
  const int64_t record = format.record();
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) {
    if (error && status.type() != fs::file_type::not_found) {
      fail(ErrorKind::io, "[cifar] cannot look at {}: {}", file, error.message());
    }
    fail(ErrorKind::missing,
         "[cifar] {} does not exist; CIFAR-10 in its binary version has data_batch_1.bin to data_batch_5.bin and "
         "test_batch.bin in one folder, CIFAR-100 has train.bin and test.bin",
         file);
  }
  if (!fs::is_regular_file(status)) fail(ErrorKind::data, "[cifar] {} is not a file", file);
  const auto bytes = static_cast<int64_t>(fs::file_size(file, error));
  if (error) fail(ErrorKind::io, "[cifar] cannot look at {}: {}", file, error.message());
  if (bytes == 0 || bytes % record != 0) {
    fail(ErrorKind::data,
         "[cifar] {} holds {} bytes, expected one or more records of {} ({} and 3072 pixels): it is not a binary {} "
         "batch, or was cut off in record {}, which begins at byte {}; get the file again",
         file, bytes, record, format.classes.size() == 1 ? "1 label" : "2 labels", format.title, bytes / record,
         bytes / record * record);
  }
  if (bytes / record > CifarDataset::kMaxRecords) {
    fail(ErrorKind::data, "[cifar] {} holds {} bytes, more than {} records of {}: it is not a {} batch", file, bytes,
         CifarDataset::kMaxRecords, record, format.title);
  }
  return bytes / record;
}

}  // namespace

CifarFormat cifar10_format() { return {"CIFAR-10", {10}, 0}; }

CifarFormat cifar100_format(bool coarse) { return {"CIFAR-100", {20, 100}, coarse ? size_t{0} : size_t{1}}; }

CifarDataset::CifarDataset(std::string name, const std::vector<std::string>& files, const CifarFormat& format)
    : name_(std::move(name)), format_(format) {
  std::vector<int64_t> records;
  for (const std::string& file : files) records.push_back(count_records(file, format_));
  const auto total = static_cast<size_t>(std::accumulate(records.begin(), records.end(), int64_t{0}));
  labels_.reserve(total);
  pixels_.reserve(total * kPixels);
  for (size_t i = 0; i < files.size(); ++i) append(files[i], records[i]);
  hash_ = hash_bytes(std::as_bytes(std::span(pixels_)), hash_bytes(std::as_bytes(std::span(labels_))));
}

void CifarDataset::append(const std::string& file, int64_t records) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail(ErrorKind::io, "[cifar] {} cannot be opened; check its permissions", file);
  constexpr size_t kPlane = kSide * kSide;
  std::vector<uint8_t> record(static_cast<size_t>(format_.record()));
  for (int64_t i = 0; i < records; ++i) {
    const int64_t begin = i * format_.record();
    if (!stream.read(reinterpret_cast<char*>(record.data()), format_.record())) {
      fail(ErrorKind::io, "[cifar] {} could not be read beyond byte {}", file, begin);
    }
    for (size_t label = 0; label < format_.classes.size(); ++label) {
      if (record[label] < format_.classes[label]) continue;
      fail(ErrorKind::data,
           "[cifar] {}: record {} (byte {}) has label {}, but labels go from 0 to {}; get the file again", file, i,
           begin, record[label], format_.classes[label] - 1);
    }
    labels_.push_back(record[format_.label]);
    const uint8_t* red = record.data() + format_.classes.size();
    for (size_t pixel = 0; pixel < kPlane; ++pixel) {
      pixels_.insert(pixels_.end(), {red[pixel], red[pixel + kPlane], red[pixel + 2 * kPlane]});
    }
  }
}

int32_t CifarDataset::read(int64_t index, std::span<uint8_t> pixels) const {
  check(index >= 0 && index < size(), "[cifar] image {} asked for, of {}", index, size());
  check(pixels.size() == kPixels, "[cifar] {} bytes to write an image to, expected {}", pixels.size(), kPixels);
  std::copy_n(pixels_.data() + index * kPixels, kPixels, pixels.data());
  return labels_[static_cast<size_t>(index)];
}

namespace {

ImageData open_place(const std::string& name, const Place& place, const CifarFormat& format, const std::string& path,
                     Normalization normalization) {
  const fs::path found = place.find(path), folder = found.empty() ? fs::path(path) : found;
  std::vector<std::string> train;
  for (const std::string_view file : place.train) train.push_back((folder / file).string());
  const std::vector test{(folder / place.test).string()};
  return {.train = std::make_unique<CifarDataset>(name + "/train", train, format),
          .test = std::make_unique<CifarDataset>(name + "/test", test, format),
          .normalization = std::move(normalization),
          .augment = true};
}

}  // namespace

ImageData open_cifar10(const std::string& path, const DataOptions&) {
  return open_place("cifar10", kCifar10, cifar10_format(), path,
                    {.mean = {0.4914f, 0.4822f, 0.4465f}, .standard_deviation = {0.2023f, 0.1994f, 0.2010f}});
}

ImageData open_cifar100(const std::string& path, const DataOptions& options) {
  return open_place("cifar100", kCifar100, cifar100_format(options.coarse), path,
                    {.mean = {0.5071f, 0.4867f, 0.4408f}, .standard_deviation = {0.2675f, 0.2565f, 0.2761f}});
}

bool recognises_cifar10(const std::string& path) { return !kCifar10.find(path).empty(); }

bool recognises_cifar100(const std::string& path) { return !kCifar100.find(path).empty(); }

}  // namespace fqt::data
