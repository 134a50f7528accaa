#pragma once

#include <string_view>

namespace fqt::program {

/// Writes to standard output, at once. Error(io) where that fails, a reader that has left (`fqt info | head -1`) apart:
/// then the rest is dropped.
void print(std::string_view text);

}  // namespace fqt::program
