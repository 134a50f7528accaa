#pragma once

#include <string>
#include <vector>

#include "data/open.h"

namespace fqt::data {

/// Images in the binary layout of CIFAR-10 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html): records of
/// one label byte, 0 to 9, and 3072 pixel bytes: a plane of 32x32 red values row by row, then green, then blue. Held in
/// memory.
class CifarDataset : public ImageDataset {
 public:
  /// Reads `files` one after another; each may hold any number of records but none. Error(missing) where a file does
  /// not exist, Error(data) where one is not made of such records, Error(io) where it cannot be read.
  CifarDataset(std::string name, const std::vector<std::string>& files);

  std::string name() const override { return name_; }
  int64_t height() const override { return kSide; }
  int64_t width() const override { return kSide; }
  int64_t channels() const override { return 3; }
  int64_t classes() const override { return kClasses; }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override;
  uint64_t hash() const override { return hash_; }

  static constexpr int64_t kSide = 32;
  static constexpr int64_t kPixels = 3 * kSide * kSide;
  static constexpr int64_t kRecord = 1 + kPixels;
  static constexpr int64_t kClasses = 10;
  /// More than any CIFAR file holds: a bound on what a hostile file can make us allocate.
  static constexpr int64_t kMaxRecords = 100000;

 private:
  void append(const std::string& file, int64_t records);

  std::string name_;
  std::vector<uint8_t> labels_;
  std::vector<uint8_t> pixels_;  ///< HWC, one image after another
  uint64_t hash_ = 0;
};

/// `path` is the folder that holds data_batch_1.bin to data_batch_5.bin and test_batch.bin, or that folder's parent
/// where the folder has its usual name, cifar-10-batches-bin.
ImageData open_cifar10(const std::string& path, const DataOptions& options);

/// Whether one of the six files stands where open_cifar10 would look.
bool recognises_cifar10(const std::string& path);

}  // namespace fqt::data
