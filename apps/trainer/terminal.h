#pragma once

namespace fqt::trainer {

/// Whether a file descriptor is a terminal that can move its cursor.
bool is_terminal(int descriptor);
/// Whether colours are welcome there: on a terminal, where NO_COLOR is not set.
bool wants_color(int descriptor);
/// Columns; where it is no terminal those of the variable COLUMNS, from 20 on, or 80.
int terminal_width(int descriptor);

}  // namespace fqt::trainer
