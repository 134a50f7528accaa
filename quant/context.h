#pragma once

#include <cstdint>

#include "engine/autograd/tape.h"
#include "quant/noise.h"
#include "quant/plan/trace.h"
#include "quant/precision.h"
#include "quant/probe.h"

namespace fqt::quant {

/// What a forward pass runs in: the tape, and everything besides the weights that decides its bits.
struct Context {
  Tape& tape;
  const PrecisionTable& precision;
  bool training = true;
  uint64_t seed = 0;
  uint64_t step = 0;  ///< training step, or batch of an evaluation, 0-based: names its random numbers
  double range_momentum = 0.9;
  /// Where given, products record their shapes in it and compute nothing: results are zeros. The tape tells data from
  /// what needs a gradient, so that it has to record.
  ShapeTrace* trace = nullptr;
  Probe* probe = nullptr;        ///< is told about every product; null: nothing is measured
  NoiseSource* noise = nullptr;  ///< gives the words of stochastic rounding; null: streams of seed, step and site
};

}  // namespace fqt::quant
