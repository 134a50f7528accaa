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
#include "trainer/files.h"

namespace fqt::study {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);

/// SIGINT and SIGTERM, held back while one lives, so that none is lost between fork and exec.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { release(); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  void release() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// In the child, between fork and exec: nothing here allocates. What runs is this program's own file, even where it
/// has been moved, removed or replaced since.
[[noreturn]] void become(char* const* words, int log, int nothing, pid_t parent, const SignalsHeld& held) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  held.release();
  setpgid(0, 0);
#ifdef PR_SET_PDEATHSIG
  prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  if (getppid() != parent) _exit(128 + SIGTERM);  // it died before that was set
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv("/proc/self/exe", words);
  constexpr std::string_view kFailed = "\nfqt: [sweep] this program cannot be started again\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kFailed.data(), kFailed.size());
  _exit(127);
}

/// The last thing the program said that was an error, without "fqt: ".
std::string last_error(const std::string& log) {
  if (std::error_code error; !std::filesystem::exists(log, error)) return "";
  const std::string text = trainer::read_text_file(log);
  constexpr std::string_view kStart = "fqt: ";
  const size_t at = text.rfind("\n" + std::string(kStart));
  const size_t begin = at != std::string::npos ? at + 1 : 0;
  if (!std::string_view(text).substr(begin).starts_with(kStart)) return "";
  const size_t end = text.find('\n', begin);
  return text.substr(begin + kStart.size(), end - begin - kStart.size());
}

}  // namespace

std::string reason_of(Exit exit, const std::string& log) {
  if (exit.code > 128) return fmt::format("ended by signal {} ({})", exit.code - 128, ::strsignal(exit.code - 128));
  const std::string said = last_error(log);
  return said.empty() ? fmt::format("ended with exit code {}", exit.code) : said;
}

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
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, how a child ends is lost
  const pid_t parent = getpid();
  const SignalsHeld held;
  pid_ = fork();
  if (pid_ == 0) become(words.data(), log.get(), nothing.get(), parent, held);
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
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  if (ended < 0) fail(ErrorKind::internal, "[sweep] how process {} ended is not known: {}", pid_, std::strerror(errno));
  pid_ = -1;
  return Exit{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

void run_children(size_t count, size_t jobs, const ChildEvents& events, const trainer::Interrupt& interrupt, int stop) {
  std::map<size_t, Child> running;
  size_t next = 0;
  bool told = false;
  while (true) {
    while (next < count && running.size() < jobs && !interrupt.requested()) {
      const size_t place = next++;
      if (const std::optional<Command> command = events.start(place)) running.emplace(place, Child(*command));
    }
    if (interrupt.requested() && !std::exchange(told, true))
      for (const auto& [place, child] : running) child.signal(stop);
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
