#pragma once

namespace fqt::trainer {

/// Whether a file descriptor is a terminal that understands escape sequences (TERM=dumb does not).
bool is_terminal(int descriptor);

/// Whether to write colours to it: a terminal, and NO_COLOR (https://no-color.org) is not set.
bool takes_color(int descriptor);

}  // namespace fqt::trainer
