#include "study/children.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>
#include <utility>

#include "engine/check.h"
#include "trainer/descriptor.h"

namespace fqt::study {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);

/// In the child, between fork and exec: nothing here allocates.
[[noreturn]] void become(char* const* words, int log, int nothing, pid_t parent) {
  setpgid(0, 0);
#ifdef PR_SET_PDEATHSIG
  prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  if (getppid() != parent) _exit(128 + SIGTERM);  // it died before that was set
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(words[0], words);
  _exit(127);
}

}  // namespace

std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

std::string quoted(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+-./:=@_,";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

Child::Child(const Command& command) {
  const trainer::Descriptor log(command.log, O_WRONLY | O_CREAT | O_APPEND), nothing("/dev/null", O_RDONLY);
  if (!log.open()) fail(ErrorKind::io, "[sweep] {} cannot be written: {}", command.log, std::strerror(errno));
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(words.data(), log.get(), nothing.get(), parent);
  if (pid_ < 0) fail(ErrorKind::io, "[sweep] no process can be started: {}", std::strerror(errno));
}

Child::~Child() {
  if (pid_ < 0) return;
  signal(SIGTERM);
  waitpid(pid_, nullptr, 0);
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

void Child::signal(int number) const { ::kill(pid_, number); }

std::optional<Exit> Child::poll() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return Exit{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

void run_children(size_t count, size_t jobs, const ChildEvents& events, const trainer::Interrupt& interrupt) {
  std::map<size_t, Child> running;
  size_t next = 0;
  bool told = false;
  while (true) {
    while (next < count && running.size() < jobs && !interrupt.requested()) {
      const size_t place = next++;
      if (const std::optional<Command> command = events.start(place)) running.emplace(place, Child(*command));
    }
    if (interrupt.requested() && !std::exchange(told, true))
      for (const auto& [place, child] : running) child.signal(SIGINT);
    if (running.empty()) return;
    std::this_thread::sleep_for(kTick);
    for (auto child = running.begin(); child != running.end();) {
      const std::optional<Exit> end = child->second.poll();
      const size_t place = child->first;
      child = end ? running.erase(child) : std::next(child);
      if (end) events.ended(place, *end);
    }
    std::vector<size_t> places;
    for (const auto& [place, child] : running) places.push_back(place);
    events.tick(places);
  }
}

}  // namespace fqt::study
