#include <immintrin.h>

#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace avx512 {
namespace {
#include "engine/kernels/codes.inl"
#include "engine/kernels/gemm_avx512.inl"
#include "engine/kernels/vector.inl"

#include "engine/kernels/depthwise.inl"  // behind the tiles
#include "engine/kernels/sparse.inl"
}  // namespace
}  // namespace avx512

const KernelTable& table_avx512() {
  static constexpr KernelTable table{"avx512",
                                     avx512::kVectorKernels,
                                     avx512::kCodeKernels,
                                     avx512::kGemmKernels,
                                     avx512::kDepthwiseKernels,
                                     avx512::kSparseKernels};
  return table;
}

}  // namespace fqt::kernels
