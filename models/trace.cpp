#include "models/trace.h"

#include "engine/rehearsal.h"

namespace fqt::models {

std::vector<quant::SiteShape> trace_sites(layers::Module& model, const ModelOptions& options, ModelInput input) {
  const Rehearsal rehearsal;  // so that no activation takes up memory
  Tape tape;                  // whose constants are data
  quant::ShapeTrace trace;
  const quant::PrecisionTable none;
  const quant::Context context{.tape = tape, .precision = none, .training = false, .trace = &trace};
  const Shape images{1, options.height, options.width, options.channels}, tokens{1, options.sequence};
  model.forward(context, Var(Tensor::zeros(input == ModelInput::tokens ? tokens : images)));
  return quant::site_shapes(trace);
}

}  // namespace fqt::models
