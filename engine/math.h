#pragma once

// Elementary functions from IEEE additions, multiplications, divisions and integer arithmetic alone. libm's differ
// between its own versions and between instruction sets; these give the same bits everywhere. Inline, so that a kernel
// compiled for any instruction set can hold them in a loop.

namespace fqt::math {

// float32: at most 2 units in the last place from the exact value over the whole range; infinities and NaN as IEEE.
float exp(float x);
float log(float x);
float tanh(float x);
float sigmoid(float x);
float erf(float x);
float cos_turns(float turns);  ///< cos(2 pi turns)
float sin_turns(float turns);  ///< sin(2 pi turns)

// float64, for schedules and constants; relative error at most 1e-14.
double exp(double x);
double log(double x);
double cos_turns(double turns);

}  // namespace fqt::math
