#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fqt::data {

/// Labelled 8-bit images of one size. Reading is const, thread-safe and a function of the index alone.
class ImageDataset {
 public:
  virtual ~ImageDataset() = default;
  virtual std::string name() const = 0;
  virtual int64_t height() const = 0;
  virtual int64_t width() const = 0;
  virtual int64_t channels() const = 0;
  virtual int64_t classes() const = 0;
  /// Images an epoch.
  virtual int64_t size() const = 0;
  /// An endless set takes any index >= 0 and shows new images every epoch; another one takes indices below size().
  virtual bool endless() const { return false; }
  /// Writes image `index` to `pixels` (height * width * channels bytes, HWC) and returns its label.
  virtual int32_t read(int64_t index, std::span<uint8_t> pixels) const = 0;
  /// Names the content: equal for equal data.
  virtual uint64_t hash() const = 0;
};

/// Per-channel constants of the normalization (pixel / 255 - mean) / standard_deviation.
struct Normalization {
  std::vector<float> mean, standard_deviation;
};

struct ImageData {
  std::unique_ptr<ImageDataset> train, test;
  Normalization normalization;
  /// Whether it is the custom to train on random crops and flips of these images.
  bool augment = false;
};

/// A kind of data set: built in, or recognised from a path.
struct DataKind {
  std::string_view name;
  std::string_view description;
  bool built_in;
  /// For built-in data the path is empty.
  ImageData (*open)(const std::string& path, uint64_t seed);
  /// Whether a folder or file at `path` looks like this kind (null for built-in data).
  bool (*recognises)(const std::string& path);
};

std::span<const DataKind> data_kinds();

/// Opens built-in data by name or a folder by path. Error(missing) where there is no such path (listing what is built
/// in), Error(data) where the content is malformed, naming the file, the record and what was expected.
ImageData open_images(const std::string& name_or_path, uint64_t seed);

}  // namespace fqt::data
