#include "models/trace.h"

namespace fqt::models {

std::vector<quant::SiteShape> trace_sites(layers::Module& model, const ModelOptions& options) {
  Tape tape;  // whose constants are data
  quant::ShapeTrace trace;
  const quant::PrecisionTable none;
  const quant::Context context{.tape = tape, .precision = none, .training = false, .trace = &trace};
  model.forward(context, Var(Tensor::zeros({1, options.height, options.width, options.channels})));
  return quant::site_shapes(trace);
}

}  // namespace fqt::models
