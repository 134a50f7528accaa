#include "engine/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "engine/check.h"

namespace fqt {
namespace {
std::atomic<int> thread_count{0};
}

int threads() {
  const int count = thread_count.load();
  return count > 0 ? count : std::max(1, omp_get_num_procs());
}

void set_threads(int count) {
  check(count >= 1 && count <= 1024, "[threads] {} threads asked for; give a number from 1 to 1024", count);
  thread_count = count;
}

void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  const int64_t pieces = std::clamp<int64_t>(count / std::max<int64_t>(grain, 1), 1, threads());
  if (pieces == 1 || omp_in_parallel()) return body(0, count);
  std::exception_ptr failure;
  const int team = static_cast<int>(pieces);
#pragma omp parallel for num_threads(team) schedule(static, 1)
  for (int64_t piece = 0; piece < pieces; ++piece) {
    try {
      body(count * piece / pieces, count * (piece + 1) / pieces);
    } catch (...) {
#pragma omp critical(fqt_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fqt
