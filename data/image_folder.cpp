#include "data/image_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "data/augment.h"
#include "data/resize.h"
#include "engine/check.h"
#include "engine/hash.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kExtensions = {".png", ".jpg", ".jpeg"};
constexpr std::array<std::string_view, 4> kTestFolders = {"val", "validation", "valid", "test"};

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return !path.filename().string().starts_with('.') && std::ranges::find(kExtensions, extension) != kExtensions.end();
}

/// Names of the entries of a folder that `wanted` takes, sorted by their bytes.
template <typename Wanted>
std::vector<std::string> list(const fs::path& folder, const Wanted& wanted) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (wanted(*entry)) names.push_back(entry->path().filename().string());
  }
  if (error) fail(ErrorKind::io, "[images] cannot list {}: {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

/// What `a` has and `b` lacks, up to five of them.
std::string missing_from(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  constexpr size_t kShown = 5;
  std::vector<std::string> names;
  std::ranges::set_difference(a, b, std::back_inserter(names));
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return names.empty() ? "none" : text;
}

/// The first of the folders that may hold the test images.
fs::path test_folder(const fs::path& path) {
  for (const std::string_view name : kTestFolders) {
    if (is_folder(path / name)) return path / name;
  }
  fail(ErrorKind::missing, "[images] {} has train, but no folder to test with: val, validation, valid or test",
       path.string());
}

}  // namespace

ImageFolder::ImageFolder(std::string name, const std::string& folder, int64_t side)
    : name_(std::move(name)), folder_(folder), side_(side) {
  check(side >= 1 && side <= 1024, "[images] images of {} pixels a side asked for; 1 to 1024 can be made", side);
  if (!is_folder(folder)) fail(ErrorKind::missing, "[images] there is no folder {}", folder);
  class_names_ = list(folder, [](const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored) && !entry.path().filename().string().starts_with('.');
  });
  if (class_names_.empty()) {
    fail(ErrorKind::data, "[images] {} holds no folders; pictures lie in one folder a class", folder);
  }
  for (size_t label = 0; label < class_names_.size(); ++label) list_class(static_cast<int32_t>(label));
}

void ImageFolder::list_class(int32_t label) {
  const std::string& name = class_names_[static_cast<size_t>(label)];
  const fs::path folder = fs::path(folder_) / name;
  hash_ = hash_text(name, hash_);
  const std::vector<std::string> pictures =
      list(folder, [](const fs::directory_entry& entry) { return is_picture(entry.path()); });
  if (pictures.empty()) fail(ErrorKind::data, "[images] {} holds no .png, .jpg or .jpeg", folder.string());
  for (const std::string& picture : pictures) {
    std::error_code error;
    const uint64_t bytes = fs::file_size(folder / picture, error);
    if (error) fail(ErrorKind::io, "[images] cannot look at {}: {}", (folder / picture).string(), error.message());
    hash_ = hash_text(picture, hash_ + bytes);
    files_.push_back({label, picture});
  }
}

std::string ImageFolder::file(int64_t index) const {
  check(index >= 0 && index < size(), "[images] image {} asked for, of {}", index, size());
  const File& file = files_[static_cast<size_t>(index)];
  return (fs::path(folder_) / class_names_[static_cast<size_t>(file.label)] / file.name).string();
}

Picture ImageFolder::picture(int64_t index, std::span<const uint8_t> pixels) const {
  check(static_cast<int64_t>(pixels.size()) == 3 * side_ * side_, "[images] {} bytes to write an image to, expected {}",
        pixels.size(), 3 * side_ * side_);
  return read_picture(file(index));
}

int32_t ImageFolder::read(int64_t index, std::span<uint8_t> pixels) const {
  const Picture whole = picture(index, pixels);
  const auto height = static_cast<double>(whole.height), width = static_cast<double>(whole.width);
  const double side = std::min(height, width) * (224.0 / 256.0);
  resize(whole, {(height - side) / 2, (width - side) / 2, side, side}, side_, side_, pixels);
  return files_[static_cast<size_t>(index)].label;
}

int32_t ImageFolder::read_augmented(int64_t index, const AugmentDraw& draw, std::span<uint8_t> pixels) const {
  const Picture whole = picture(index, pixels);
  const ResizedCrop crop = draw_resized_crop(draw.key, draw.position, whole.height, whole.width);
  resize(whole,
         {static_cast<double>(crop.top), static_cast<double>(crop.left), static_cast<double>(crop.height),
          static_cast<double>(crop.width)},
         side_, side_, pixels);
  if (crop.flip) flip(pixels, side_, side_, 3);
  return files_[static_cast<size_t>(index)].label;
}

ImageData open_image_folder(const std::string& path, const DataOptions& options) {
  constexpr int64_t kSide = 224;
  const int64_t side = options.side > 0 ? options.side : kSide;
  const fs::path train_folder = fs::path(path) / "train", test = test_folder(path);
  auto train_set = std::make_unique<ImageFolder>("images/train", train_folder.string(), side);
  auto test_set = std::make_unique<ImageFolder>("images/test", test.string(), side);
  const std::vector<std::string>&trained = train_set->class_names(), &tested = test_set->class_names();
  if (trained != tested) {
    fail(ErrorKind::data, "[images] {} and {} hold other classes. In train alone: {}. In {} alone: {}",
         train_folder.string(), test.string(), missing_from(trained, tested), test.filename().string(),
         missing_from(tested, trained));
  }
  return {.train = std::move(train_set),
          .test = std::move(test_set),
          .normalization = {.mean = {0.485f, 0.456f, 0.406f}, .standard_deviation = {0.229f, 0.224f, 0.225f}},
          .augment = true};
}

bool recognises_image_folder(const std::string& path) {
  return is_folder(fs::path(path) / "train") || is_folder(fs::path(path) / "val");
}

}  // namespace fqt::data
