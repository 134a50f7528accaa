#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fqt::bench {

/// One measured product. A Gop is 10^9 multiplications or additions: 2 M N K operations a product.
struct GemmRow {
  std::string kernel;  ///< "gemm_s8" (8 x 8 bits), "gemm_s8_b6" (6 x 6), "gemm_s16" (16 x 16), "gemm_f32"
  std::string order;   ///< "forward" X W, "grad_lhs" dY W^T, "grad_rhs" X^T dY
  int64_t m, n, k;
  double gops;                      ///< median over repeats, packing and transposing included
  std::string peer;                 ///< oneDNN's function, empty where it is not built in; "gemm_s8" for gemm_s16
  std::optional<double> peer_gops;  ///< median, the two sides run in turn
};

/// Whether this build can compare with oneDNN.
bool has_peer();

/// Measures the products of docs/performance.md on the calling thread's settings. `repeats` pairs of runs each.
std::vector<GemmRow> run_gemm(int repeats);

}  // namespace fqt::bench
