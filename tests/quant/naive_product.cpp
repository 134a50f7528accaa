#include "quant/naive_product.h"

#include <cstddef>

namespace fqt::test {

NaiveProducts naive_products(const ConvGeometry& g, const Doubles& x, const Doubles& w, const Doubles& dy) {
  NaiveProducts result{Doubles(static_cast<size_t>(g.m() * g.n())), Doubles(x.size()), Doubles(w.size())};
  for (int64_t row = 0; row < g.m(); ++row)
    for (int64_t ky = 0; ky < g.kernel; ++ky)
      for (int64_t kx = 0; kx < g.kernel; ++kx) {
        const int64_t n = row / (g.out_height() * g.out_width());
        const int64_t iy = row / g.out_width() % g.out_height() * g.stride + ky - g.padding;
        const int64_t ix = row % g.out_width() * g.stride + kx - g.padding;
        if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
        for (int64_t c = 0; c < g.group_in(); ++c)
          for (int64_t o = 0; o < g.out_channels; ++o) {
            const int64_t input = o / g.group_out() * g.group_in() + c;
            const size_t at_x = static_cast<size_t>(((n * g.height + iy) * g.width + ix) * g.in_channels + input);
            const size_t at_w = static_cast<size_t>(((ky * g.kernel + kx) * g.group_in() + c) * g.out_channels + o);
            const size_t at_y = static_cast<size_t>(row * g.out_channels + o);
            result.y[at_y] += x[at_x] * w[at_w];
            result.dx[at_x] += dy[at_y] * w[at_w];
            result.dw[at_w] += x[at_x] * dy[at_y];
          }
      }
  return result;
}

ConvGeometry GeometryCase::geometry() const {
  ConvGeometry g;
  g.batch = 2;
  g.height = size;
  g.width = size + 1;
  g.in_channels = in;
  g.out_channels = out;
  g.kernel = kernel;
  g.stride = stride;
  g.padding = padding;
  g.groups = groups;
  return g;
}

}  // namespace fqt::test
