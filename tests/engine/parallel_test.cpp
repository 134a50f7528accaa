#include "engine/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/check.h"

using namespace fqt;

TEST_CASE("parallel_for: every index once, in ranges of at least the grain") {
  const int before = threads();
  for (const int count : {1, 2, 3, 7}) {
    set_threads(count);
    for (const int64_t indices : {0, 1, 2, 3, 10, 64, 1000, 1001}) {
      for (const int64_t grain : {1, 4, 100, 5000}) {
        CAPTURE(count);
        CAPTURE(indices);
        CAPTURE(grain);
        std::vector<int> visits(static_cast<size_t>(indices));
        std::mutex mutex;
        int64_t shortest = indices;
        int ranges = 0;
        parallel_for(indices, grain, [&](int64_t begin, int64_t end) {
          const std::lock_guard lock(mutex);
          shortest = std::min(shortest, end - begin);
          ++ranges;
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        for (const int visit : visits) REQUIRE(visit == 1);
        CHECK(ranges <= (count == 1 ? 1 : 4 * count));
        CHECK(shortest >= std::min(indices, grain));
      }
    }
  }
  set_threads(before);
}

TEST_CASE("parallel_for: an exception reaches the caller, and the next loop runs") {
  const int before = threads();
  for (const int count : {1, 3}) {
    set_threads(count);
    CHECK_THROWS_WITH_AS(parallel_for(100, 1,
                                      [](int64_t, int64_t end) {
                                        if (end == 100) throw std::runtime_error("from a thread");
                                      }),
                         "from a thread", std::runtime_error);
    std::atomic<int64_t> sum{0};
    parallel_for(10, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    CHECK(sum == 10);
  }
  set_threads(before);
}

TEST_CASE("parallel_for: a call from inside a body runs whole on the calling thread") {
  const int before = threads();
  set_threads(3);
  std::atomic<int> whole{0};
  parallel_for(3, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      parallel_for(50, 1, [&](int64_t first, int64_t last) { whole += first == 0 && last == 50; });
  });
  CHECK(whole == 3);
  set_threads(before);
}

TEST_CASE("parallel: the number of threads is checked") {
  CHECK_THROWS_AS(set_threads(0), Error);
  CHECK_THROWS_AS(set_threads(1025), Error);
  CHECK(threads() >= 1);
}
