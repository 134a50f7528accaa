#include "trainer/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fqt::trainer {

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) && (!term || std::string_view(term) != "dumb");
}

bool takes_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && (!no_color || !*no_color);
}

}  // namespace fqt::trainer
