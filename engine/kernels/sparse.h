#pragma once

#include <cstdint>

namespace fqt::kernels {

/// A row of a left operand of which most groups of kGroup<int8_t> terms are all zero, times panels of bytes (see
/// gemm.h):
///
///   sums[p * sum_panel + c] = sum over i < count, t < 4 of
///       lhs[4 * i + t] * panel[p * panel_stride + (groups[i] * kPanelColumns + c) * 4 + t]
///
/// All values of lhs and of the panels are from -127 to 127, and every partial sum fits int32.
struct SparseTask {
  const int32_t* groups;  ///< those that are not zero
  const int8_t* lhs;
  int64_t count;
  const int8_t* panel;
  int64_t panel_count, panel_stride;
  int32_t* sums;
  int64_t sum_panel;
};

struct SparseKernels {
  void (*row)(const SparseTask& task);
};

}  // namespace fqt::kernels
