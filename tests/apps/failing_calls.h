#pragma once

#include "trainer/files.h"

namespace fqt::test {

enum class FailingCall { write, fsync, rename };

/// While one lives, calls of one kind fail from the n-th on, counted from 0, as on a full disk. One at a time.
class FailingCalls {
 public:
  FailingCalls(FailingCall call, int n);
  ~FailingCalls();
  FailingCalls(const FailingCalls&) = delete;
  FailingCalls& operator=(const FailingCalls&) = delete;

 private:
  trainer::FileCalls before_;
};

}  // namespace fqt::test
