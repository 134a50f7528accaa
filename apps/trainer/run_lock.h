#pragma once

#include "trainer/descriptor.h"
#include "trainer/run_directory.h"

namespace fqt::trainer {

/// While one lives, no other process trains in a run directory; the system takes it back from a process that dies.
/// File systems that know no locks are trusted.
class RunLock {
 public:
  /// Error(usage) where another process holds it, Error(io) where its file cannot be made.
  explicit RunLock(const RunDirectory& directory);

 private:
  Descriptor file_;
};

/// Whether a process trains in the directory now.
bool is_training(const RunDirectory& directory);

}  // namespace fqt::trainer
