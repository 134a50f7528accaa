#include "engine/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/check.h"
#include "engine/profile.h"
#include "engine/rehearsal.h"

namespace fqt {
namespace {

using Body = std::function<void(int64_t, int64_t)>;

thread_local bool inside = false;  ///< this thread runs a body, or is one of the pool's

struct Inside {
  Inside() { inside = true; }
  ~Inside() { inside = false; }
};

/// Tells the processor that this is a waiting loop.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// One call of parallel_for. Whoever is free claims the next piece: a thread that the system has put aside holds up no
/// piece but its own.
struct Job {
  Job(const Body& body, int64_t count, int64_t pieces) : body(body), count(count), pieces(pieces) {}

  const Body& body;
  int64_t count, pieces;
  const profile::Label label = profile::current();
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> finished{0};
  std::mutex mutex;
  std::exception_ptr failure;

  void work() {
    for (int64_t piece = next++; piece < pieces; piece = next++) {
      try {
        body(count * piece / pieces, count * (piece + 1) / pieces);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
      ++finished;
    }
  }
};

/// Threads that wait for jobs: briefly awake, since in training the next job is microseconds away, then asleep.
class Pool {
 public:
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      ++generation_;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  /// Runs a job on the calling thread and `helpers` others.
  void run(Job& job, int helpers) {
    const std::lock_guard one_at_a_time(running_);
    {
      const std::lock_guard lock(mutex_);
      add_workers(helpers);
      job_ = &job;
      places_ = helpers;
      ++generation_;
    }
    wake_.notify_all();
    job.work();
    {
      const std::lock_guard lock(mutex_);
      job_ = nullptr;  // who has not come by now is not needed
    }
    while (job.finished.load() < job.pieces || users_.load() > 0) std::this_thread::yield();
  }

 private:
  static constexpr int kSpins = 4000;

  /// Where the system gives no more threads, those there are do the work.
  void add_workers(int wanted) {
    try {
      while (static_cast<int>(workers_.size()) < wanted) workers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
    }
  }

  void serve() {
    inside = true;
    uint64_t seen = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_relaxed) == seen; ++spin) relax();
      Job* job = nullptr;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_ != seen; });
        seen = generation_;
        if (ending_) return;
        if (!job_ || places_ == 0) continue;
        --places_;
        job = job_;
        ++users_;
      }
      {
        const profile::Scope scope(job->label);
        job->work();
      }
      --users_;
    }
  }

  std::mutex running_, mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  Job* job_ = nullptr;
  int places_ = 0;  ///< helpers the job still takes
  bool ending_ = false;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> users_{0};  ///< helpers that hold the job
};

Pool& pool() {
  static Pool instance;
  return instance;
}

/// Processors this process may run on.
int processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::atomic<int> thread_count{0};

}  // namespace

int threads() {
  const int count = thread_count.load();
  return count > 0 ? count : processors();
}

void set_threads(int count) {
  check(count >= 1 && count <= 1024, "[threads] {} threads asked for; give a number from 1 to 1024", count);
  thread_count = count;
}

void parallel_for(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0 || Rehearsal::active()) return;
  const int limit = threads();
  const int64_t most = count / std::max<int64_t>(grain, 1);
  if (limit == 1 || most <= 1 || inside) return body(0, count);
  constexpr int64_t kPiecesPerThread = 4;  // so that threads of unequal speed end together
  Job job(body, count, std::min<int64_t>(most, limit * kPiecesPerThread));
  {
    const Inside mark;
    pool().run(job, static_cast<int>(std::min<int64_t>(limit, job.pieces)) - 1);
  }
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace fqt
