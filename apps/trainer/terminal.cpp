#include "trainer/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fqt::trainer {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

bool is_terminal(int descriptor) { return isatty(descriptor) && variable("TERM") != "dumb"; }

bool wants_color(int descriptor) { return is_terminal(descriptor) && variable("NO_COLOR").empty(); }

int terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace fqt::trainer
