#pragma once

#include "fqt/command.h"

namespace fqt::program {

/// Reads the arguments and returns the action of the command they name. For --help and --version it is one that prints.
/// Error(usage) that says what is wrong and, where something known is near, what was meant.
Action read_command_line(int argc, char** argv);

}  // namespace fqt::program
