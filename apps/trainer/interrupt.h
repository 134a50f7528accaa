#pragma once

namespace fqt::trainer {

/// While one lives, the first SIGINT or SIGTERM (Ctrl-C) only sets a flag, so that the step at hand can be finished and
/// what was done saved; the second ends the process at once, with status 130. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
  /// Error(interrupted) "[where] interrupted" where a signal came.
  void check(const char* where) const;
};

}  // namespace fqt::trainer
