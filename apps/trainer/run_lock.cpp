#include "trainer/run_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "engine/check.h"

namespace fqt::trainer {
namespace {

/// Whether the lock is held by another, tried a few times: is_training() of another process holds it for a moment.
bool is_taken(int file, int operation) {
  constexpr int kTries = 10;
  constexpr auto kWait = std::chrono::milliseconds(5);
  for (int i = 0; i < kTries; ++i) {
    if (::flock(file, operation | LOCK_NB) == 0 || errno != EWOULDBLOCK) return false;
    std::this_thread::sleep_for(kWait);
  }
  return true;
}

}  // namespace

RunLock::RunLock(const RunDirectory& directory) : file_(directory.lock(), O_RDWR | O_CREAT) {
  if (!file_.open()) fail(ErrorKind::io, "[run] {} cannot be written: {}", directory.lock(), std::strerror(errno));
  check(!is_taken(file_.get(), LOCK_EX), "[run] another process is training in {}; let it end first", directory.path());
}

bool is_training(const RunDirectory& directory) {
  const Descriptor file(directory.lock(), O_RDONLY);
  return file.open() && is_taken(file.get(), LOCK_SH);
}

}  // namespace fqt::trainer
