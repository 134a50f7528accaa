#pragma once

namespace fqt::bench {

/// What one thread multiplies and adds at best on operands of `bits` bits (32: float32), in Gop/s: a tile over and over
/// on operands in the first-level cache, found anew at every call in about a fifth of a second.
double peak_gops(int bits);

}  // namespace fqt::bench
