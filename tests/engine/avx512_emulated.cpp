#include "engine/avx512_emulated.h"

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

// SIMDe 0.7.4 rounds the product and the sum apart.
static inline simde__m512 fused_multiply_add(simde__m512 a, simde__m512 b, simde__m512 c) {
  simde__m512_private x = simde__m512_to_private(a), y = simde__m512_to_private(b), sum = simde__m512_to_private(c);
  for (int lane = 0; lane < 16; ++lane) sum.f32[lane] = __builtin_fmaf(x.f32[lane], y.f32[lane], sum.f32[lane]);
  return simde__m512_from_private(sum);
}
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps(a, b, c) fused_multiply_add(a, b, c)

namespace fqt::kernels {
namespace {
#include "engine/kernels/gemm_avx512.inl"
}  // namespace
}  // namespace fqt::kernels

const fqt::kernels::GemmKernels& fqt::test::avx512_emulated() { return kernels::kGemmKernels; }
