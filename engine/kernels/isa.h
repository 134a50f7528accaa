#pragma once

#include "engine/kernels/table.h"

namespace fqt::kernels {

const KernelTable& table_reference();
#if defined(__x86_64__)
const KernelTable& table_avx2();
const KernelTable& table_avx512();
#endif

}  // namespace fqt::kernels
