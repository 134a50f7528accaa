#include "trainer/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "engine/check.h"

namespace fqt::trainer {
namespace {

// A signal handler reaches nothing but objects of static lifetime.
std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int) {
  if (signals.fetch_add(1) > 0) _exit(130);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  signals = 0;
  handle(on_signal);
}

Interrupt::~Interrupt() { handle(SIG_DFL); }

bool Interrupt::requested() const { return signals.load() > 0; }

void Interrupt::check(const char* where) const {
  if (requested()) fail(ErrorKind::interrupted, "[{}] interrupted", where);
}

}  // namespace fqt::trainer
