#pragma once

#include "engine/autograd/tape.h"

namespace fqt::ops {

/// What a time step of an LSTM leaves, both [N, H].
struct LstmState {
  Var hidden, cell;
};

/// The part of an LSTM's time step that is no matrix product; see kernels::LstmCell. `input` and `recurrent` [N, 4H]
/// are the two products (the bias is in one of them), gates in the order i, f, g, o; `cell` [N, H] is the state before.
/// Error(usage) for other shapes.
LstmState lstm_cell(Tape& tape, const Var& input, const Var& recurrent, const Var& cell);

}  // namespace fqt::ops
