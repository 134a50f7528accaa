#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace avx2 {
#include "engine/kernels/vector.inl"
}  // namespace avx2

const KernelTable& table_avx2() {
  static constexpr KernelTable table{"avx2", avx2::kVectorKernels};
  return table;
}

}  // namespace fqt::kernels
