#include <immintrin.h>

#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace avx2 {
namespace {
#include "engine/kernels/codes.inl"
#include "engine/kernels/gemm_avx2.inl"
#include "engine/kernels/vector.inl"

#include "engine/kernels/depthwise.inl"  // behind the tiles
#include "engine/kernels/sparse.inl"
}  // namespace
}  // namespace avx2

const KernelTable& table_avx2() {
  static constexpr KernelTable table{"avx2",
                                     avx2::kVectorKernels,
                                     avx2::kCodeKernels,
                                     avx2::kGemmKernels,
                                     avx2::kDepthwiseKernels,
                                     avx2::kSparseKernels};
  return table;
}

}  // namespace fqt::kernels
