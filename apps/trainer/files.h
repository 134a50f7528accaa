#pragma once

#include <sys/types.h>

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

/// Whether a file of this name may be what a write_file() that was killed has left.
bool is_leftover(std::string_view name);

/// Removes what a write_file() that was killed has left in a folder. No other process may be writing there.
void remove_leftovers(const std::string& folder);

/// Writes at a descriptor's position; false with errno where not all is written.
bool write_all(int fd, std::span<const std::byte> bytes);
/// Waits until what was written is on the disk; false with errno where it is not.
bool sync_file(int fd);

/// The system calls that every file fqt writes goes through.
struct FileCalls {
  ssize_t (*write)(int fd, const void* bytes, size_t count);
  int (*fsync)(int fd);
  int (*rename)(const char* from, const char* to);
};
/// Puts others in their place, so that tests can let any of them fail; returns those before.
FileCalls replace_file_calls(const FileCalls& calls);

}  // namespace fqt::trainer
