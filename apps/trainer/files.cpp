#include "trainer/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/check.h"

namespace fqt::trainer {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
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

bool write_and_sync(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.open()) return false;
  for (const auto part : parts)
    if (!write_all(file.get(), part)) return false;
  return ::fsync(file.get()) == 0 && file.close();
}

bool sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  // Some file systems sync no folders and say EINVAL: the rename is done all the same.
  return descriptor.open() && (::fsync(descriptor.get()) == 0 || errno == EINVAL);
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
  const std::string temporary = path + ".tmp";
  if (write_and_sync(temporary, parts) && ::rename(temporary.c_str(), path.c_str()) == 0 && sync_folder(path)) return;
  const std::string reason = std::strerror(errno);
  ::unlink(temporary.c_str());
  fail(ErrorKind::io, "[write] {} cannot be written: {}; free some space or choose another folder", path, reason);
}

void write_text_file(const std::string& path, std::string_view text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  write_file(path, {&bytes, 1});
}

}  // namespace fqt::trainer
