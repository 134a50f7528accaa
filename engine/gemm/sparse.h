#pragma once

#include <span>

#include "engine/gemm/gemm.h"

namespace fqt::gemm {

/// integer_product for plain matrices of bytes of which one is nearly all zeros: only what is not zero is multiplied.
/// Where `add`, it is added to what is in `out`.
/// Returns false, and does nothing, where neither is, or the operands do not fit.
///
/// The gradient of a language model's logits is such a matrix at every step. A row of it is softmax - onehot, over the
/// batch; its absolute values add up to twice what its largest has, of which the label has half. On a grid of 2^b
/// levels over all rows that is an expected 2^b levels that are not zero a row, whatever the size of the vocabulary.
bool sparse_product(const GatherProduct& product, const Levels& lhs, const Levels& rhs, std::span<const double> scales,
                    float* out, bool add = false);

}  // namespace fqt::gemm
