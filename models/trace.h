#pragma once

#include <vector>

#include "models/zoo.h"
#include "quant/plan/shape.h"

namespace fqt::models {

/// The matrix products of a model, found by one pass of one sample with shapes alone: no data, no training, no product
/// computed. A sample is one image, or one sequence of options.sequence tokens.
std::vector<quant::SiteShape> trace_sites(layers::Module& model, const ModelOptions& options,
                                          ModelInput input = ModelInput::images);

}  // namespace fqt::models
