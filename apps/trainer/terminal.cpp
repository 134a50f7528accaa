#include "trainer/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace fqt::trainer {
namespace {

constexpr int kNarrowest = 20;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

bool is_terminal(int descriptor) { return isatty(descriptor) && variable("TERM") != "dumb"; }

bool wants_color(int descriptor) { return is_terminal(descriptor) && variable("NO_COLOR").empty(); }

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view columns = variable("COLUMNS");
  int width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  return width >= kNarrowest ? width : 80;
}

}  // namespace fqt::trainer
