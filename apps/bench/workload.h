#pragma once

#include "data/open.h"
#include "models/zoo.h"

namespace fqt::bench {

/// What a step of `batch` is measured on where no data is named: random values in memory, as PyTorch's side of the
/// comparison takes them. Images of `side` pixels (0: 32), of 10 classes up to 64 pixels and 1,000 beyond; or tokens of
/// a vocabulary of 10,000.
data::Data random_data(models::ModelInput input, int64_t side, int64_t batch);

}  // namespace fqt::bench
