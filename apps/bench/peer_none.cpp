#include "bench/gemm.h"
#include "bench/peer.h"
#include "engine/check.h"

namespace fqt::bench {

bool has_peer() { return false; }

void peer_integer(bool, bool, int64_t, int64_t, int64_t, const uint8_t*, const int8_t*, int32_t*) {
  fail(ErrorKind::internal, "[bench] this build has no oneDNN");
}

void peer_float(bool, bool, int64_t, int64_t, int64_t, const float*, const float*, float*) {
  fail(ErrorKind::internal, "[bench] this build has no oneDNN");
}

}  // namespace fqt::bench
