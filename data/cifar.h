#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/open.h"

namespace fqt::data {

/// A binary layout of Krizhevsky (2009, https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes and 3072
/// pixel bytes: a plane of 32x32 red values row by row, then green, then blue.
struct CifarFormat {
  std::string_view title;
  std::vector<int64_t> classes;  ///< of each label byte: labels lie below it
  size_t label;                  ///< the one that is read

  int64_t record() const { return static_cast<int64_t>(classes.size()) + 3 * 32 * 32; }
};

/// One label byte, 0 to 9.
CifarFormat cifar10_format();
/// Two of them: the coarse label, 0 to 19, and the fine one, 0 to 99.
CifarFormat cifar100_format(bool coarse);

/// Images in one of these layouts, held in memory.
class CifarDataset : public ImageDataset {
 public:
  /// Reads `files` one after another; each may hold any number of records but none. Error(missing) where a file does
  /// not exist, Error(data) where one is not made of such records, Error(io) where it cannot be read.
  CifarDataset(std::string name, const std::vector<std::string>& files, const CifarFormat& format = cifar10_format());

  std::string name() const override { return name_; }
  int64_t height() const override { return kSide; }
  int64_t width() const override { return kSide; }
  int64_t channels() const override { return 3; }
  int64_t classes() const override { return format_.classes[format_.label]; }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override;
  uint64_t hash() const override { return hash_; }

  static constexpr int64_t kSide = 32;
  static constexpr int64_t kPixels = 3 * kSide * kSide;
  /// More than any CIFAR file holds: a bound on what a hostile file can make us allocate.
  static constexpr int64_t kMaxRecords = 100000;

 private:
  void append(const std::string& file, int64_t records);

  std::string name_;
  CifarFormat format_;
  std::vector<uint8_t> labels_;
  std::vector<uint8_t> pixels_;  ///< HWC, one image after another
  uint64_t hash_ = 0;
};

/// `path` is the folder that holds data_batch_1.bin to data_batch_5.bin and test_batch.bin, or that folder's parent
/// where the folder has its usual name, cifar-10-batches-bin.
ImageData open_cifar10(const std::string& path, const DataOptions& options);

/// Whether one of the six files stands where open_cifar10 would look.
bool recognises_cifar10(const std::string& path);

/// `path` is the folder that holds train.bin and test.bin, or the parent of cifar-100-binary. Labels are the fine ones,
/// unless options.coarse.
ImageData open_cifar100(const std::string& path, const DataOptions& options);
bool recognises_cifar100(const std::string& path);

}  // namespace fqt::data
