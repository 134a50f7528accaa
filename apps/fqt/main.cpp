#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "engine/check.h"
#include "fqt/command_line.h"
#include "trainer/text.h"

namespace {

/// The program's exit codes (docs/architecture.md): 2 as shells use it, then those of sysexits.h, and 128 + SIGINT.
int exit_code(fqt::ErrorKind kind) {
  switch (kind) {
    case fqt::ErrorKind::usage:
      return 2;
    case fqt::ErrorKind::data:
      return 65;
    case fqt::ErrorKind::missing:
      return 66;
    case fqt::ErrorKind::internal:
      return 70;
    case fqt::ErrorKind::io:
      return 74;
    case fqt::ErrorKind::interrupted:
      return 130;
  }
  return 70;
}

/// Paths and names in a message may hold anything: of control characters only its own ends of lines reach the terminal.
std::string readable(std::string_view message) {
  std::string result;
  while (true) {
    const size_t end = message.find('\n');
    result += fqt::trainer::printable(message.substr(0, end));
    if (end == std::string_view::npos) return result;
    result += '\n';
    message.remove_prefix(end + 1);
  }
}

int report(int code, const char* message) {
  std::fprintf(stderr, "fqt: %s\n", message);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves must not end a run; print() sees the error instead
  try {
    fqt::program::read_command_line(argc, argv)();
    return 0;
  } catch (const fqt::Error& error) {
    return report(exit_code(error.kind()), readable(error.what()).c_str());
  } catch (const std::bad_alloc&) {
    return report(exit_code(fqt::ErrorKind::io), "[memory] the system gave no more memory; try a smaller --batch");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fqt: this is a bug, please report it: %s\n", error.what());
    return exit_code(fqt::ErrorKind::internal);
  }
}
