#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/kernels/codes.h"
#include "engine/kernels/depthwise.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/sparse.h"
#include "engine/kernels/vector.h"

namespace fqt::kernels {

/// The compiled loops of one instruction set. Every table computes the same bits.
struct KernelTable {
  std::string_view isa;  ///< "reference", "avx2", "avx512"
  VectorKernels vector;
  CodeKernels codes;
  GemmKernels gemm;
  DepthwiseKernels depthwise;
  SparseKernels sparse;
};

struct Isa {
  std::string_view name;
  std::string_view description;
  bool (*supported)();  ///< by this processor
  const KernelTable& (*table)();
};

/// Every instruction set in this build, plainest first.
std::span<const Isa> all_isas();

/// The table in use: the one FQT_ISA names, else the fastest this processor supports.
/// Error(usage) where FQT_ISA names an unknown or unsupported one.
const KernelTable& active();

/// Uses one instruction set from now on ("" for the default again). Not to be called while kernels run.
void select(std::string_view isa);

/// sum += term, over all threads. Equal lengths.
void parallel_add(std::span<float> sum, std::span<const float> term);

}  // namespace fqt::kernels
