#include "fqt/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/check.h"

namespace fqt::program {

void print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno != EPIPE)
    fail(ErrorKind::io, "[output] standard output cannot be written: {}", std::strerror(errno));
}

}  // namespace fqt::program
