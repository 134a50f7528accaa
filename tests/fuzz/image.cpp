#include "data/augment.h"
#include "data/resize.h"
#include "memory_file.h"

using namespace fqt;
using namespace fqt::data;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  test::expect_data_errors([&] {
    const Picture picture = decode_picture({bytes, count}, "fuzz");
    std::vector<uint8_t> pixels(8 * 8 * 3);
    const ResizedCrop crop = draw_resized_crop({1, 2}, 3, picture.height, picture.width);
    resize(picture,
           {static_cast<double>(crop.top), static_cast<double>(crop.left), static_cast<double>(crop.height),
            static_cast<double>(crop.width)},
           8, 8, pixels);
  });
  return 0;
}
