#pragma once

#include "engine/gemm/geometry.h"

namespace fqt::test {

struct Extent {
  int64_t height, width;
};

/// Two images, a square kernel.
inline ConvGeometry convolution(Extent image, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                                int64_t groups = 1) {
  ConvGeometry g;
  g.batch = 2;
  g.height = image.height;
  g.width = image.width;
  g.in_channels = in;
  g.out_channels = out;
  g.kernel = kernel;
  g.stride = stride;
  g.padding = padding;
  g.groups = groups;
  g.check("test");
  return g;
}

}  // namespace fqt::test
