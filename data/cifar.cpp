#include "data/cifar.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "engine/check.h"
#include "engine/hash.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTrainFiles = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                    "data_batch_5.bin"};
constexpr const char* kTestFile = "test_batch.bin";
constexpr const char* kUsualName = "cifar-10-batches-bin";

bool holds_batches(const fs::path& folder) {
  std::error_code ignored;
  const auto holds = [&](const char* file) { return fs::exists(folder / file, ignored); };
  return std::any_of(kTrainFiles.begin(), kTrainFiles.end(), holds) || holds(kTestFile);
}

/// The folder of the batches for the path a person gave; empty where there is none.
fs::path batch_folder(const fs::path& path) {
  for (const fs::path& folder : {path, path / kUsualName}) {
    if (holds_batches(folder)) return folder;
  }
  return {};
}

/// The number of whole records in `file`; an error where there is none or a part of one.
int64_t count_records(const std::string& file) {
  constexpr int64_t kRecord = CifarDataset::kRecord;
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) {
    if (error && status.type() != fs::file_type::not_found) {
      fail(ErrorKind::io, "[cifar] cannot look at {}: {}", file, error.message());
    }
    fail(ErrorKind::missing,
         "[cifar] {} does not exist; CIFAR-10 in its binary version has data_batch_1.bin to data_batch_5.bin and "
         "test_batch.bin in one folder",
         file);
  }
  if (!fs::is_regular_file(status)) fail(ErrorKind::data, "[cifar] {} is not a file", file);
  const auto bytes = static_cast<int64_t>(fs::file_size(file, error));
  if (error) fail(ErrorKind::io, "[cifar] cannot look at {}: {}", file, error.message());
  if (bytes == 0 || bytes % kRecord != 0) {
    fail(ErrorKind::data,
         "[cifar] {} holds {} bytes, expected one or more records of {} (1 label and 3072 pixels): it is not a binary "
         "CIFAR-10 batch, or was cut off in record {}, which begins at byte {}; get the file again",
         file, bytes, kRecord, bytes / kRecord, bytes / kRecord * kRecord);
  }
  if (bytes / kRecord > CifarDataset::kMaxRecords) {
    fail(ErrorKind::data, "[cifar] {} holds {} bytes, more than {} records of {}: it is not a CIFAR-10 batch", file,
         bytes, CifarDataset::kMaxRecords, kRecord);
  }
  return bytes / kRecord;
}

}  // namespace

CifarDataset::CifarDataset(std::string name, const std::vector<std::string>& files) : name_(std::move(name)) {
  std::vector<int64_t> records;
  for (const std::string& file : files) records.push_back(count_records(file));
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
  std::array<uint8_t, kRecord> record;
  for (int64_t i = 0; i < records; ++i) {
    if (!stream.read(reinterpret_cast<char*>(record.data()), kRecord)) {
      fail(ErrorKind::io, "[cifar] {} could not be read beyond byte {}", file, i * kRecord);
    }
    if (record[0] >= kClasses) {
      fail(ErrorKind::data,
           "[cifar] {}: record {} (byte {}) has label {}, but labels go from 0 to 9; get the file again", file, i,
           i * kRecord, record[0]);
    }
    labels_.push_back(record[0]);
    for (size_t pixel = 1; pixel <= kPlane; ++pixel) {
      pixels_.insert(pixels_.end(), {record[pixel], record[pixel + kPlane], record[pixel + 2 * kPlane]});
    }
  }
}

int32_t CifarDataset::read(int64_t index, std::span<uint8_t> pixels) const {
  check(index >= 0 && index < size(), "[cifar] image {} asked for, of {}", index, size());
  check(pixels.size() == kPixels, "[cifar] {} bytes to write an image to, expected {}", pixels.size(), kPixels);
  std::copy_n(pixels_.data() + index * kPixels, kPixels, pixels.data());
  return labels_[static_cast<size_t>(index)];
}

ImageData open_cifar10(const std::string& path, const DataOptions&) {
  fs::path folder = batch_folder(path);
  if (folder.empty()) folder = path;
  std::vector<std::string> train;
  for (const char* file : kTrainFiles) train.push_back((folder / file).string());
  return {.train = std::make_unique<CifarDataset>("cifar10/train", train),
          .test = std::make_unique<CifarDataset>("cifar10/test", std::vector{(folder / kTestFile).string()}),
          .normalization = {.mean = {0.4914f, 0.4822f, 0.4465f}, .standard_deviation = {0.2023f, 0.1994f, 0.2010f}},
          .augment = true};
}

bool recognises_cifar10(const std::string& path) { return !batch_folder(path).empty(); }

}  // namespace fqt::data
