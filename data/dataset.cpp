#include "data/dataset.h"

#include "data/augment.h"

namespace fqt::data {

int32_t ImageDataset::read_augmented(int64_t index, const AugmentDraw& draw, std::span<uint8_t> pixels) const {
  std::vector<uint8_t> plain(pixels.size());
  const int32_t label = read(index, plain);
  crop_flip(plain, height(), width(), channels(), draw_crop_flip(draw.key, draw.position), pixels);
  return label;
}

}  // namespace fqt::data
