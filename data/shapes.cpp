#include "data/shapes.h"

#include "data/drawing.h"
#include "data/figures.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/random.h"

namespace fqt::data {
namespace {

/// Part of every key and of the hash: raise it when the drawing changes.
constexpr std::string_view kVersion = "shapes 1";

}  // namespace

ShapesDataset::ShapesDataset(Split split, uint64_t seed, int64_t size, int64_t side)
    : split_(split), seed_(seed), size_(size), side_(side) {
  check(side >= 8 && side <= 1024, "[shapes] images of {} pixels a side asked for; 8 to 1024 can be drawn", side);
  check(size >= 1, "[shapes] {} images asked for; at least 1 is needed", size);
}

std::string ShapesDataset::name() const { return split_ == Split::train ? "shapes/train" : "shapes/test"; }

int64_t ShapesDataset::classes() const { return static_cast<int64_t>(figures().size()); }

std::string_view ShapesDataset::class_name(int64_t label) {
  check(label >= 0 && label < static_cast<int64_t>(figures().size()), "[shapes] there is no class {}", label);
  return figures()[static_cast<size_t>(label)].name;
}

int32_t ShapesDataset::read(int64_t index, std::span<uint8_t> pixels) const {
  check(index >= 0 && (endless() || index < size_), "[shapes] image {} asked for, of {}", index, size_);
  const auto bytes = static_cast<size_t>(3 * side_ * side_);
  check(pixels.size() == bytes, "[shapes] {} bytes to write an image to, expected {}", pixels.size(), bytes);
  const auto label = static_cast<int32_t>(index % classes());
  const auto key = [&](uint64_t part) {
    return random_key(seed_, {hash_text(kVersion), endless() ? 0u : 1u, static_cast<uint64_t>(index), part});
  };
  draw_image(figures()[static_cast<size_t>(label)], key(0), key(1), static_cast<int>(side_), pixels);
  return label;
}

uint64_t ShapesDataset::hash() const {
  return hash_text(
      name(), hash_text(kVersion, seed_) + static_cast<uint64_t>(size_) + (static_cast<uint64_t>(side_ - kSide) << 32));
}

ImageData open_shapes(const std::string&, const DataOptions& options) {
  using Split = ShapesDataset::Split;
  const int64_t side = options.side > 0 ? options.side : ShapesDataset::kSide;
  return {.train = std::make_unique<ShapesDataset>(Split::train, options.seed, 20000, side),
          .test = std::make_unique<ShapesDataset>(Split::test, options.seed, 2000, side),
          .normalization = {.mean = {0.5f, 0.5f, 0.5f}, .standard_deviation = {0.25f, 0.25f, 0.25f}},
          .augment = false};
}

}  // namespace fqt::data
