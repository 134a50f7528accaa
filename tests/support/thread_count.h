#pragma once

#include "engine/parallel.h"

namespace fqt::test {

/// Sets the number of threads for as long as it lives. Tests of many small products run on one: starting threads for
/// each would take longer than the products.
class ThreadCount {
 public:
  explicit ThreadCount(int count) : before_(threads()) { set_threads(count); }
  ~ThreadCount() { set_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace fqt::test
