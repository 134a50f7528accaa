#include "apps/failing_calls.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace fqt::test {
namespace {

FailingCall failing;
int left;  ///< calls that still succeed

bool fails(FailingCall call) {
  if (call != failing || left-- > 0) return false;
  left = 0;
  errno = ENOSPC;
  return true;
}

}  // namespace

FailingCalls::FailingCalls(FailingCall call, int n) {
  failing = call;
  left = n;
  before_ = trainer::replace_file_calls(
      {.write = [](int fd, const void* bytes, size_t count) -> ssize_t {
         // Half of it is written first: a disk fills up in the middle of a call, too.
         if (!fails(FailingCall::write)) return ::write(fd, bytes, count);
         if (::write(fd, bytes, count / 2) < 0) return -1;
         errno = ENOSPC;
         return -1;
       },
       .fsync = [](int fd) { return fails(FailingCall::fsync) ? -1 : ::fsync(fd); },
       .rename = [](const char* from,
                    const char* to) { return fails(FailingCall::rename) ? -1 : ::rename(from, to); }});
}

FailingCalls::~FailingCalls() { trainer::replace_file_calls(before_); }

}  // namespace fqt::test
