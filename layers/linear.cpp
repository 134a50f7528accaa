#include "layers/linear.h"

#include <cmath>

#include "engine/check.h"
#include "engine/ops/elementwise.h"
#include "quant/product.h"

namespace fqt::layers {

Linear::Linear(const std::string& name, const LinearOptions& options)
    : options_(options), site_(name, options.role, "linear") {
  weight_.name = name + ".weight";
  weight_.value = Tensor({options.in_features, options.out_features});
  weight_.layout = ParameterLayout::matrix;
  weight_.uniform = options.uniform;
  weight_.standard_deviation = options.standard_deviation;
  if (options.uniform == 0 && options.standard_deviation == 0)
    weight_.standard_deviation = std::sqrt(2.0 / static_cast<double>(options.in_features * options.out_features));
  site_.block = options.block;
  bias_.name = name + ".bias";
  bias_.value = Tensor({options.bias ? options.out_features : 0});
}

std::vector<Parameter*> Linear::own_parameters() {
  return options_.bias ? std::vector<Parameter*>{&weight_, &bias_} : std::vector<Parameter*>{&weight_};
}

Var Linear::forward(const quant::Context& context, const Var& x) {
  check(x.value().rank() == 2 && x.value().dim(1) == options_.in_features,
        "[linear] '{}': input has shape {}, weight expects [N, {}]", site_.name, to_string(x.shape()),
        options_.in_features);
  const Var y = quant::matmul(context, site_, x, context.tape.parameter(weight_));
  return options_.bias ? ops::add_bias(context.tape, y, context.tape.parameter(bias_)) : y;
}

}  // namespace fqt::layers
