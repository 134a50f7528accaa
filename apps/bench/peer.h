#pragma once

#include <cstdint>

namespace fqt::bench {

// oneDNN's matrix products, row-major: C[M x N] = op(A) op(B). Only where has_peer().

void peer_integer(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const uint8_t* a,
                  const int8_t* b, int32_t* c);
void peer_float(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, const float* b,
                float* c);

}  // namespace fqt::bench
