// Quantizes two matrices to 4 bits, multiplies them on integers, and checks one element by hand.
#include <cstdio>

#include "quant/quantize.h"

using namespace fqt;

int main() {
  const Tensor x({2, 3}, std::vector<float>{-1.0f, 0.3f, 2.0f, 0.7f, -0.2f, 1.1f});
  const Tensor w({3, 2}, std::vector<float>{0.5f, -1.5f, 1.0f, 0.25f, -0.75f, 1.5f});
  const quant::OperandPrecision affine{&quant::find_format("affine"), 4},
      symmetric{&quant::find_format("symmetric"), 4};
  const quant::Quantized xq = quant::quantize(x, affine), wq = quant::quantize(w, symmetric);
  const Tensor y = quant::matmul(xq, wq);

  const quant::Grid &gx = xq.operand.grids[0], &gw = wq.operand.grids[0];
  std::printf("x: scale %g, zero point %d; w: scale %g, zero point %d\n", gx.scale, gx.zero_point(), gw.scale,
              gw.zero_point());
  int sum = 0;
  for (size_t k = 0; k < 3; ++k) {
    const int a = xq.codes()[k], b = wq.codes()[2 * k];
    std::printf("  (%d - %d) * (%d - %d)\n", a, gx.zero_point(), b, gw.zero_point());
    sum += (a - gx.zero_point()) * (b - gw.zero_point());
  }
  const float by_hand = static_cast<float>(sum * (double{gx.scale} * double{gw.scale}));
  std::printf("  = %d, times both scales = %g; y[0, 0] = %g; in float %g\n", sum, by_hand, y.data()[0],
              -1.0 * 0.5 + 0.3 * 1.0 + 2.0 * -0.75);
  return by_hand == y.data()[0] ? 0 : 1;
}
