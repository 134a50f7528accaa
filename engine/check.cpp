#include "engine/check.h"

namespace fqt::detail {

void fail(ErrorKind kind, fmt::string_view format, fmt::format_args args) {
  throw Error(kind, fmt::vformat(format, args));
}

}  // namespace fqt::detail
