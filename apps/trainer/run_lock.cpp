#include "trainer/run_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "engine/check.h"

namespace fqt::trainer {

RunLock::RunLock(const RunDirectory& directory) : file_(directory.lock(), O_RDWR | O_CREAT) {
  if (!file_.open()) fail(ErrorKind::io, "[run] {} cannot be written: {}", directory.lock(), std::strerror(errno));
  const bool taken = ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  check(!taken, "[run] another process is training in {}; let it end first", directory.path());
}

}  // namespace fqt::trainer
