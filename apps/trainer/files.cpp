#include "trainer/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/check.h"

namespace fqt::trainer {
namespace {

constexpr int kMostLinks = 40;      ///< of a chain, as in Linux
constexpr int kMostNames = 10'000;  ///< tried for a temporary file

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

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
  return descriptor.open() && (::fsync(descriptor.get()) == 0 || errno == EINVAL);
}

/// `old`: what is at `path`, whose permissions the new file takes over; null where there is nothing.
bool replace_file(const std::string& path, const struct stat* old, std::span<const std::span<const std::byte>> parts) {
  std::string temporary;
  Descriptor file(create_beside(path, temporary));
  if (!file.open()) return false;
  const bool replaced = (!old || ::fchmod(file.get(), old->st_mode & 07777) == 0) && write_parts(file.get(), parts) &&
                        ::fsync(file.get()) == 0 && file.close() && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (replaced) return sync_folder(path);
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  return false;
}

}  // namespace

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

}  // namespace fqt::trainer
