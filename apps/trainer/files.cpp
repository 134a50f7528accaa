#include "trainer/files.h"

#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/check.h"
#include "trainer/descriptor.h"

namespace fqt::trainer {
namespace {

constexpr int kMostLinks = 40;      ///< of a chain, as in Linux
constexpr int kMostNames = 10'000;  ///< tried for a temporary file

FileCalls calls{::write, ::fsync, ::rename};

bool write_parts(int fd, std::span<const std::span<const std::byte>> parts) {
  for (const auto part : parts)
    if (!write_all(fd, part)) return false;
  return true;
}

/// The path that a chain of symbolic links ends at, whether there is a file or not.
std::string link_target(const std::string& path) {
  std::filesystem::path target = path;
  std::error_code error;
  for (int links = 0; links < kMostLinks && std::filesystem::is_symlink(target, error); ++links)
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
  return target.string();
}

/// A device or a pipe is written to, not replaced.
bool write_special(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  Descriptor file(path, O_WRONLY | O_NOCTTY);
  return file.open() && write_parts(file.get(), parts) && file.close();
}

/// A new file beside `path`: its descriptor and, in `name`, its path; -1 where there can be none.
int create_beside(const std::string& path, std::string& name) {
  for (int number = 0;; ++number) {
    name = fmt::format("{}.{}-{}.tmp", path, ::getpid(), number);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 || errno != EEXIST || number == kMostNames) return fd;
  }
}

bool sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  // Some file systems sync no folders and say EINVAL: the rename is done all the same.
  return descriptor.open() && (sync_file(descriptor.get()) || errno == EINVAL);
}

/// `old`: what is at `path`, whose permissions the new file takes over; null where there is nothing.
bool replace_file(const std::string& path, const struct stat* old, std::span<const std::span<const std::byte>> parts) {
  std::string temporary;
  Descriptor file(create_beside(path, temporary));
  if (!file.open()) return false;
  const bool replaced = (!old || ::fchmod(file.get(), old->st_mode & 07777) == 0) && write_parts(file.get(), parts) &&
                        sync_file(file.get()) && file.close() && calls.rename(temporary.c_str(), path.c_str()) == 0;
  if (replaced) return sync_folder(path);
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  return false;
}

}  // namespace

FileCalls replace_file_calls(const FileCalls& others) { return std::exchange(calls, others); }

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = calls.write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

bool sync_file(int fd) { return calls.fsync(fd) == 0; }

std::string read_text_file(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  if (!file.open() && (errno == ENOENT || errno == ENOTDIR))
    fail(ErrorKind::missing, "[read] there is no file {}", path);
  std::string text;
  while (file.open()) {
    char block[1 << 16];
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got == 0) return text;
    if (got > 0)
      text.append(block, static_cast<size_t>(got));
    else if (errno != EINTR)
      break;
  }
  fail(ErrorKind::io, "[read] {} cannot be read: {}", path, std::strerror(errno));
}

void write_file(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  bool written = false;
  if (exists && !S_ISREG(old.st_mode))
    written = write_special(path, parts);
  else if (exists || errno == ENOENT)
    written = replace_file(link_target(path), exists ? &old : nullptr, parts);
  if (!written)
    fail(ErrorKind::io, "[write] {} cannot be written: {}; free some space or choose another folder", path,
         std::strerror(errno));
}

void write_text_file(const std::string& path, std::string_view text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  write_file(path, {&bytes, 1});
}

// As create_beside() names them.
bool is_leftover(std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  if (!name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  const auto drop_digits = [&] {
    const size_t before = name.size();
    while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back()))) name.remove_suffix(1);
    return name.size() < before;
  };
  if (!drop_digits() || !name.ends_with('-')) return false;
  name.remove_suffix(1);
  return drop_digits() && name.size() > 1 && name.ends_with('.');
}

void remove_leftovers(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (is_leftover(entry.path().filename().string()) && entry.is_regular_file(error))
      leftovers.push_back(entry.path());
  for (const std::filesystem::path& path : leftovers) std::filesystem::remove(path, error);
}

}  // namespace fqt::trainer
