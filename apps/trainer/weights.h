#pragma once

#include <cstdint>
#include <string>

#include "layers/module.h"

namespace fqt::trainer {

/// Writes a model's parameters and buffers under their names, and the step they were reached at. Error(io).
void save_weights(const std::string& path, layers::Module& model, int64_t step);

/// The same for PyTorch: a norm's gamma and beta are `weight` and `bias`, matrices are [out, in], convolutions
/// [out, in / groups, kernel, kernel]. The running ranges of quantized operands, which PyTorch does not know, stay out.
/// Where a model has the names of torchvision's, torchvision's loads it. Error(io).
void export_weights(const std::string& path, layers::Module& model);

/// Reads either, or the weights of a checkpoint, into a model of the same kind and returns the step, 0 where the file
/// names none. Files that do not say they are fqt's are read as PyTorch's; running ranges then stay as they are, and
/// counters `num_batches_tracked` are passed over. Nothing else is skipped: Error(data) lists every tensor that is
/// missing, unknown or of another shape. Error(data) naming the tensor where a value is NaN or infinite.
int64_t load_weights(const std::string& path, layers::Module& model);

/// Error(data) "[where] ..." naming the first tensor of a model that holds NaN or infinity.
void check_finite(const std::string& where, layers::Module& model);

}  // namespace fqt::trainer
