#pragma once

#include "engine/autograd/tape.h"
#include "engine/random.h"

namespace fqt::ops {

/// Sets values to 0 with probability p and multiplies the others by 1 / (1 - p) (Srivastava et al. 2014, in the form
/// that leaves evaluation alone). Element i is decided by the 16-bit word i of the stream; p is taken to the nearest
/// 2^-16, and the factor follows it, so that the expectation is exact. Error(usage) unless 0 <= p < 1.
Var dropout(Tape& tape, const Var& x, double p, const RandomKey& key);

}  // namespace fqt::ops
