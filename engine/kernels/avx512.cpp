#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace avx512 {
#include "engine/kernels/vector.inl"
}  // namespace avx512

const KernelTable& table_avx512() {
  static constexpr KernelTable table{"avx512", avx512::kVectorKernels};
  return table;
}

}  // namespace fqt::kernels
