#pragma once

#include <string>
#include <vector>

#include "data/image_file.h"
#include "data/open.h"

namespace fqt::data {

/// Pictures in files: FOLDER/CLASS/*.png, *.jpg, *.jpeg. A class's label is the place of its folder's name among the
/// sorted names. Files are decoded as they are read. Training reads a random resized crop, perhaps mirrored;
/// evaluation, as is the custom, the middle of the picture: 224/256 of its shorter side. Both are resized to side x
/// side.
class ImageFolder : public ImageDataset {
 public:
  /// Lists the files. Error(missing) without the folder, Error(data) where it holds no classes, or a class no pictures.
  ImageFolder(std::string name, const std::string& folder, int64_t side);

  std::string name() const override { return name_; }
  int64_t height() const override { return side_; }
  int64_t width() const override { return side_; }
  int64_t channels() const override { return 3; }
  int64_t classes() const override { return static_cast<int64_t>(class_names_.size()); }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  int32_t read(int64_t index, std::span<uint8_t> pixels) const override;
  int32_t read_augmented(int64_t index, const AugmentDraw& draw, std::span<uint8_t> pixels) const override;
  /// Of the names and sizes of the files: their pixels are not known before they are read.
  uint64_t hash() const override { return hash_; }

  const std::vector<std::string>& class_names() const { return class_names_; }
  /// Where image `index` lies.
  std::string file(int64_t index) const;

 private:
  struct File {
    int32_t label;
    std::string name;
  };

  void list_class(int32_t label);
  /// Error(usage) where index or the number of bytes is wrong.
  Picture picture(int64_t index, std::span<const uint8_t> pixels) const;

  std::string name_, folder_;
  int64_t side_;
  std::vector<std::string> class_names_;
  std::vector<File> files_;
  uint64_t hash_ = 0;
};

/// `path` holds train/CLASS/* and val/CLASS/* (or validation, valid, test); images are options.side pixels a side, 224
/// where that is not given. Error(data) listing the classes that only one of the two has.
ImageData open_image_folder(const std::string& path, const DataOptions& options);
bool recognises_image_folder(const std::string& path);

}  // namespace fqt::data
