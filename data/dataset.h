#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/random.h"

namespace fqt::data {

/// The random numbers that one reading of an image is augmented by: a stream, and the image's place in the epoch.
struct AugmentDraw {
  RandomKey key;
  int64_t position = 0;
};

/// Labelled 8-bit images of one size. Reading is const, thread-safe and a function of its arguments alone.
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
  /// Writes image `index` as evaluation sees it to `pixels` (height * width * channels bytes, HWC) and returns its
  /// label. Error(data) naming the file where a set that decodes as it reads meets a malformed image.
  virtual int32_t read(int64_t index, std::span<uint8_t> pixels) const = 0;
  /// The image as augmented training sees it: by default pad-4 random crop and flip (data/augment.h) of what read()
  /// gives; sets whose images are larger than what is read crop at random out of those.
  virtual int32_t read_augmented(int64_t index, const AugmentDraw& draw, std::span<uint8_t> pixels) const;
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

}  // namespace fqt::data
