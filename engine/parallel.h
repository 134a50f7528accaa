#pragma once

#include <cstdint>
#include <functional>

namespace fqt {

/// Calls `body(begin, end)` over disjoint ranges that cover [0, count), on up to `threads()` threads. Ranges hold at
/// least `grain` indices; there are a few for each thread, and whoever is free takes the next. How indices are split
/// depends on the number of threads, so `body` must give the same results for every split: write by index, never reduce
/// across a range. The first exception is rethrown. Calls from inside a body run on the calling thread.
/// In a rehearsal (engine/rehearsal.h) nothing is called.
void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

/// Threads used by parallel_for. Starts at the number of cores this process may run on.
int threads();
/// Error(usage) unless 1 <= count <= 1024.
void set_threads(int count);

}  // namespace fqt
