#pragma once

#include "engine/kernels/gemm.h"

namespace fqt::test {

/// The AVX-512 tiles of engine/kernels/gemm_avx512.inl, their instructions emulated by SIMDe: to be run on processors
/// without them.
const kernels::GemmKernels& avx512_emulated();

}  // namespace fqt::test
