#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace reference {
namespace {
#include "engine/kernels/codes.inl"
#include "engine/kernels/gemm_reference.inl"
#include "engine/kernels/vector.inl"

#include "engine/kernels/depthwise.inl"  // behind the tiles
#include "engine/kernels/sparse.inl"
}  // namespace
}  // namespace reference

const KernelTable& table_reference() {
  static constexpr KernelTable table{"reference",
                                     reference::kVectorKernels,
                                     reference::kCodeKernels,
                                     reference::kGemmKernels,
                                     reference::kDepthwiseKernels,
                                     reference::kSparseKernels};
  return table;
}

}  // namespace fqt::kernels
