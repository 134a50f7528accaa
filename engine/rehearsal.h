#pragma once

#include <memory>

namespace fqt {

class StorageBlocks;

/// While one lives, its thread goes through the motions: parallel_for runs no body, and buffers are address space of
/// their own, which takes up memory only where serial code writes to it. Shapes, and which buffer is kept while another
/// is asked for, are those of the real thing, so that storage_bytes() soon says what the same calls would come to;
/// values are of no meaning. Work areas that bodies ask for, at most some hundred KB a thread, are not counted.
class Rehearsal {
 public:
  Rehearsal();
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  /// Whether this thread rehearses.
  static bool active();

 private:
  std::shared_ptr<StorageBlocks> outer_;  ///< of the rehearsal that this one lies within
};

}  // namespace fqt
