#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trainer/interrupt.h"

namespace fqt::study {

/// A program to run, and the file that what it prints is added to.
struct Command {
  std::vector<std::string> words;
  std::string log;
};

/// The program that runs now.
std::string this_program();

/// As it can be given to a POSIX shell.
std::string quoted(const std::vector<std::string>& words);

/// How a child ended: its exit code, or 128 + the signal that ended it.
struct Exit {
  int code = 0;
};

/// Why a child ended as it did: the last error of its log, or the signal, or the code.
std::string reason_of(Exit exit, const std::string& log);

/// A process of its own, in a process group of its own, so that a Ctrl-C of the terminal reaches it once, through its
/// parent. Where the parent dies the system sends it SIGTERM.
class Child {
 public:
  /// Error(io) where it cannot be started.
  explicit Child(const Command& command);
  /// Ends it where it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  void signal(int number) const;
  /// None while it runs.
  std::optional<Exit> poll();

 private:
  pid_t pid_ = -1;
};

/// What a row of children asks and hears of its owner; each is told by its place in the row.
struct ChildEvents {
  std::function<std::optional<Command>(size_t)> start;  ///< none: nothing is to be done
  std::function<void(size_t, Exit)> ended;
  std::function<void(const std::vector<size_t>&)> tick;  ///< several times a second: those that run
};

/// Runs `count` children, `jobs` at a time. After a signal no more are started, and those that run get `stop`, SIGINT
/// where they have something to save, and are waited for.
void run_children(size_t count, size_t jobs, const ChildEvents& events, const trainer::Interrupt& interrupt, int stop);

}  // namespace fqt::study
