#pragma once

#include <string>

namespace fqt::trainer {

/// What a JSON file holds for a float32: a number of few digits (0.1, not 0.10000000149011612) that, rounded to
/// float32, is `value` exactly.
double exact(float value);

/// The bits of `value` in hexadecimal, "3f800000" for 1.
std::string bits_of(float value);

}  // namespace fqt::trainer
