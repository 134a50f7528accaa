#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fqt::trainer {

/// A whole file. Error(missing) where there is none, Error(io) where it cannot be read.
std::string read_text_file(const std::string& path);

/// Replaces the file by `parts`, one after the other: readers see the old content or the new one, whatever happens in
/// between (a new file beside it is written and synced, then renamed, then the folder is synced). A symbolic link
/// stays, and the file it leads to is replaced; what is no regular file (a pipe, a device) is written to as it is.
/// Error(io).
void write_file(const std::string& path, std::span<const std::span<const std::byte>> parts);
void write_text_file(const std::string& path, std::string_view text);

}  // namespace fqt::trainer
