#pragma once

#include <cstdint>
#include <string>

#include "layers/module.h"

namespace fqt::trainer {

/// Writes a model's parameters and buffers under their names, and the step they were reached at. Error(io).
void save_weights(const std::string& path, layers::Module& model, int64_t step);

/// Reads them into a model of the same kind and returns the step. Nothing is skipped: Error(data) lists every tensor
/// that is missing, unknown or of another shape. Error(data) naming the tensor where a value is NaN or infinite.
int64_t load_weights(const std::string& path, layers::Module& model);

/// Error(data) "[where] ..." naming the first tensor of a model that holds NaN or infinity.
void check_finite(const std::string& where, layers::Module& model);

}  // namespace fqt::trainer
