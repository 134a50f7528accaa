#include "quant/operand.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/product_fixture.h"
#include "support/each_machine.h"

using namespace fqt;
using namespace fqt::quant;
using gemm::PaddedImage;

namespace {

const OperandPrecision kNearest{&find_format("affine"), 6, Rounding::nearest};
const OperandPrecision kStochastic{&find_format("affine"), 6, Rounding::stochastic};
constexpr RandomKey kNoise{7, 8};

Grid fit_one(const OperandPrecision& precision) {
  const Range range{-1, 2};
  return fit_grids(precision, {&range, 1}).front();
}

Tensor values_of(const PaddedImage& layout) {
  return test::random_tensor({layout.batch, layout.height, layout.width, layout.channels}, 5, -1, 2);
}

/// Calls visit(offset in the layout, element index or -1 in border and fill) for everything the layout holds.
template <typename Visit>
void for_each_place(const PaddedImage& layout, const Visit& visit) {
  for (int64_t n = 0; n < layout.batch; ++n)
    for (int64_t y = -layout.top; y < layout.height + layout.bottom; ++y)
      for (int64_t x = -layout.left; x < layout.width + layout.right; ++x)
        for (int64_t c = 0; c < layout.pixel; ++c) {
          const bool inside = y >= 0 && y < layout.height && x >= 0 && x < layout.width && c < layout.channels;
          const int64_t element = ((n * layout.height + y) * layout.width + x) * layout.channels + c;
          visit(static_cast<size_t>(layout.offset(n, y, x) + c), inside ? element : -1);
        }
}

/// Borders on each side or none, channels filled up or not, one pixel longer than a run, lines longer than a run.
const PaddedImage kLayouts[] = {
    {2, 5, 6, 3, 1, 1, 1, 1, 4},   {2, 5, 6, 4, 0, 2, 1, 3, 4},       {1, 1, 9000, 1, 0, 0, 0, 0, 1},
    {1, 1, 700, 7, 0, 0, 0, 0, 8}, {1, 2, 3, 5000, 1, 0, 0, 1, 5000}, {1, 2, 2, 4099, 0, 1, 1, 0, 4100},
    {3, 1, 1, 1, 2, 2, 2, 2, 4},   {2, 3, 1000, 10, 0, 0, 0, 0, 10},
};

}  // namespace

TEST_CASE("operand: elements go where the layout says, and borders and fill stand for 0") {
  for (const PaddedImage& layout : kLayouts) {
    CAPTURE(layout.width);
    CAPTURE(layout.channels);
    CAPTURE(layout.pixel);
    const Tensor values = values_of(layout);
    const Grid grid = fit_one(kNearest);
    REQUIRE(grid.zero > 0);  // so that a forgotten border shows
    const Operand operand = encode(values, layout, kNearest, {grid}, {});
    const Operand floats = encode(values, layout, {}, {}, {});
    REQUIRE(operand.size() == layout.size());
    REQUIRE(floats.size() == layout.size());
    int wrong = 0;
    for_each_place(layout, [&](size_t place, int64_t element) {
      const float value = element < 0 ? 0.0f : values.data()[element];
      wrong += operand.level(static_cast<int64_t>(place)) !=
               static_cast<int>(std::nearbyint(value / grid.scale)) + grid.zero;
      wrong += floats.floats()[place] != value;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("operand: stochastic rounding takes the word of the element's index, whatever the layout, threads and ISA") {
  const Grid grid = fit_one(kStochastic);
  for (const PaddedImage& layout : kLayouts) {
    CAPTURE(layout.width);
    CAPTURE(layout.channels);
    const Tensor values = values_of(layout);
    std::vector<int> expected;
    for (int64_t i = 0; i < values.size(); ++i) {
      const uint32_t pair = random_word(kNoise, static_cast<uint64_t>(i / 2));
      const double word = i % 2 ? pair >> 16 : pair & 0xFFFF;
      const double ratio = values.data()[i] / grid.scale;
      const double floor = std::floor(ratio);
      expected.push_back(static_cast<int>(floor) + grid.zero + (word + 0.5 < 65536 * (ratio - floor) ? 1 : 0));
    }
    test::on_each_machine([&] {
      const Operand operand = encode(values, layout, kStochastic, {grid}, kNoise);
      int wrong = 0;
      for_each_place(layout, [&](size_t place, int64_t element) {
        wrong += operand.level(static_cast<int64_t>(place)) !=
                 (element < 0 ? grid.zero : expected[static_cast<size_t>(element)]);
      });
      CHECK(wrong == 0);
    });
  }
}

TEST_CASE("operand: fp32 shares the tensor's storage where the layout is plain") {
  const PaddedImage plain{2, 3, 4, 5, 0, 0, 0, 0, 5}, padded{2, 3, 4, 5, 1, 0, 0, 0, 5};
  const Tensor values = values_of(plain);
  const Operand shared = encode(values, plain, {}, {}, {});
  CHECK(shared.is_float());
  CHECK(shared.floats().data() == values.data());
  CHECK(encode(values, padded, {}, {}, {}).floats().data() != values.data());
  CHECK_FALSE(encode(values, plain, kNearest, {fit_one(kNearest)}, {}).is_float());
}

TEST_CASE("operand: groups are four levels or one float") {
  CHECK(channel_group(kNearest) == 4);
  CHECK(channel_group({}) == 1);
}

TEST_CASE("operand: the planar form holds the same elements, borders and all") {
  for (const PaddedImage& layout :
       {PaddedImage{2, 5, 6, 3, 1, 1, 1, 1, 4}, {1, 4, 37, 18, 0, 1, 0, 2, 20}, {1, 1, 700, 7, 0, 0, 0, 0, 8}})
    for (const int64_t stride : {1, 2, 3}) {
      CAPTURE(layout.width);
      CAPTURE(stride);
      const Tensor values = values_of(layout);
      const Grid grid = fit_one(kNearest);
      const Operand levels = encode(values, layout, kNearest, {grid}, {}), floats = encode(values, layout, {}, {}, {});
      const gemm::PlanarImage planar{layout, stride};
      const Operand level_planes = to_planar(levels, planar), float_planes = to_planar(floats, planar);
      CHECK(level_planes.grids.front().zero == grid.zero);
      int wrong = 0;
      for (int64_t n = 0; n < layout.batch; ++n)
        for (int64_t y = 0; y < layout.padded_height(); ++y)
          for (int64_t x = 0; x < layout.padded_width(); ++x)
            for (int64_t c = 0; c < layout.channels; ++c) {
              const auto from = static_cast<size_t>(layout.offset(n, y - layout.top, x - layout.left) + c);
              const auto to = static_cast<size_t>(((n * layout.channels + c) * stride + x % stride) * planar.plane() +
                                                  y * planar.row() + x / stride);
              wrong += level_planes.level(static_cast<int64_t>(to)) != levels.level(static_cast<int64_t>(from));
              wrong += float_planes.floats()[to] != floats.floats()[from];
            }
      CHECK(wrong == 0);
    }
}
