#include <dnnl.h>
#include <omp.h>

#include "bench/gemm.h"
#include "bench/peer.h"
#include "engine/check.h"
#include "engine/parallel.h"

namespace fqt::bench {
namespace {

/// oneDNN takes its number of threads from OpenMP.
void check_status(dnnl_status_t status, const char* function) {
  if (status != dnnl_success)
    fail(ErrorKind::internal, "[bench] {} failed with status {}", function, static_cast<int>(status));
}

}  // namespace

bool has_peer() { return true; }

void peer_integer(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const uint8_t* a,
                  const int8_t* b, int32_t* c) {
  omp_set_num_threads(threads());
  const int32_t zero = 0;
  check_status(dnnl_gemm_u8s8s32(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', 'F', m, n, k, 1.0f, a,
                                 transpose_a ? m : k, 0, b, transpose_b ? k : n, 0, 0.0f, c, n, &zero),
               "dnnl_gemm_u8s8s32");
}

void peer_float(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, const float* b,
                float* c) {
  omp_set_num_threads(threads());
  check_status(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a, transpose_a ? m : k, b,
                          transpose_b ? k : n, 0.0f, c, n),
               "dnnl_sgemm");
}

}  // namespace fqt::bench
