#include "layers/conv2d.h"

#include <cmath>

#include "engine/check.h"
#include "quant/product.h"

namespace fqt::layers {

Conv2d::Conv2d(const std::string& name, const Conv2dOptions& options)
    : options_(options),
      site_(name, options.role,
            options.groups > 1 && options.groups == options.in_channels ? "depthwise" : "convolution") {
  check(options.groups >= 1 && options.in_channels % options.groups == 0 && options.out_channels % options.groups == 0,
        "[conv2d] '{}': {} groups do not divide {} input and {} output channels", name, options.groups,
        options.in_channels, options.out_channels);
  site_.block = options.block;
  weight_.name = name + ".weight";
  weight_.value = Tensor({options.kernel, options.kernel, options.in_channels / options.groups, options.out_channels});
  weight_.layout = ParameterLayout::convolution;
  weight_.standard_deviation =
      std::sqrt(2.0 / static_cast<double>(options.kernel * options.kernel * options.out_channels));
}

Var Conv2d::forward(const quant::Context& context, const Var& x) {
  check(x.value().rank() == 4 && x.value().dim(3) == options_.in_channels,
        "[conv2d] '{}': input has shape {}, weight expects [N, H, W, {}]", site_.name, to_string(x.shape()),
        options_.in_channels);
  ConvGeometry geometry;
  geometry.batch = x.value().dim(0);
  geometry.height = x.value().dim(1);
  geometry.width = x.value().dim(2);
  geometry.in_channels = options_.in_channels;
  geometry.out_channels = options_.out_channels;
  geometry.kernel = options_.kernel;
  geometry.stride = options_.stride;
  geometry.padding = options_.padding;
  geometry.groups = options_.groups;
  return quant::product(context, site_, x, context.tape.parameter(weight_), geometry);
}

}  // namespace fqt::layers
