#pragma once

#include <string_view>

#include "data/open.h"

namespace fqt::data {

/// Drawn images of ten plane figures (data/figures.h), RGB, 32x32 or any other side: one figure an image, anywhere, at
/// any angle, in any two contrasting colours, over a shaded and striped ground with small discs scattered on it, and
/// noise over all. No pixel's colour tells the class, so that a linear classifier stays near chance; the outline does.
///
/// Image `index` is a function of (seed, split, index), drawn anew at every read from counter-based random numbers and
/// IEEE arithmetic: the same bytes on every machine. Labels are index mod 10, so that classes are balanced.
class ShapesDataset : public ImageDataset {
 public:
  enum class Split { train, test };

  /// Training images never end: `size` of them are called an epoch. The test images are the first `size` of a stream
  /// of their own. Error(usage) unless size >= 1 and side lies in 8 .. 1024.
  ShapesDataset(Split split, uint64_t seed, int64_t size, int64_t side = kSide);

  std::string name() const override;
  int64_t height() const override { return side_; }
  int64_t width() const override { return side_; }
  int64_t channels() const override { return 3; }
  int64_t classes() const override;
  int64_t size() const override { return size_; }
  bool endless() const override { return split_ == Split::train; }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override;
  uint64_t hash() const override;

  static std::string_view class_name(int64_t label);

  static constexpr int64_t kSide = 32;

 private:
  Split split_;
  uint64_t seed_;
  int64_t size_, side_;
};

/// 20,000 training images an epoch and 2,000 test images, of options.side where that is given. Not to be augmented:
/// there is always another image.
ImageData open_shapes(const std::string& path, const DataOptions& options);

}  // namespace fqt::data
