#include "engine/kernels/isa.h"

namespace fqt::kernels {
namespace reference {
#include "engine/kernels/vector.inl"
}  // namespace reference

const KernelTable& table_reference() {
  static constexpr KernelTable table{"reference", reference::kVectorKernels};
  return table;
}

}  // namespace fqt::kernels
