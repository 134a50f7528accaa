#pragma once

#include <cstdint>
#include <vector>

#include "engine/autograd/tape.h"

// Rearrangements of a batch of sequences. Row b * T + t of [B * T, C] is time step t of sequence b.

namespace fqt::ops {

/// [B * T, C] -> T values [B, C], one for each time step. Error(usage) where the rows are no multiple of `steps`.
std::vector<Var> unstack(Tape& tape, const Var& x, int64_t steps);

/// T values [B, C] -> [B * T, C]. Error(usage) for none and for unequal shapes.
Var stack(Tape& tape, const std::vector<Var>& steps);

/// [B * T, heads * d] -> [B * heads, T, d]: matrix b * heads + h holds columns h * d ... of sequence b.
Var split_heads(Tape& tape, const Var& x, int64_t steps, int64_t heads);

/// [B * heads, T, d] -> [B * T, heads * d], the way back.
Var merge_heads(Tape& tape, const Var& x, int64_t heads);

}  // namespace fqt::ops
