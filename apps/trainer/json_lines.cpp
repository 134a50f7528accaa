#include "trainer/json_lines.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/check.h"
#include "trainer/files.h"

namespace fqt::trainer {

JsonLines::JsonLines(std::string path) : path_(std::move(path)), file_(path_, O_WRONLY | O_CREAT | O_APPEND) {
  if (!file_.open()) fail(ErrorKind::io, "[log] {} cannot be written: {}", path_, std::strerror(errno));
}

void JsonLines::fail_to_write() const {
  fail(ErrorKind::io, "[log] {} cannot be written: {}; free some space", path_, std::strerror(errno));
}

void JsonLines::write(const Json& json) {
  const std::string line = to_text(json) + "\n";
  if (!write_all(file_.get(), std::as_bytes(std::span(line)))) fail_to_write();
}

void JsonLines::sync() {
  // A log that leads to a pipe or a terminal is not kept: EINVAL.
  if (!sync_file(file_.get()) && errno != EINVAL) fail_to_write();
}

int64_t JsonLines::bytes() const {
  struct stat state {};
  return ::fstat(file_.get(), &state) == 0 ? state.st_size : 0;
}

bool cut_lines(const std::string& path, int64_t bytes) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return bytes == 0;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, error));
  const bool whole = !error && size >= bytes;
  if (!error && !whole) bytes = static_cast<int64_t>(read_text_file(path).rfind('\n') + 1);
  if (!error && size != bytes) std::filesystem::resize_file(path, static_cast<uintmax_t>(bytes), error);
  if (error) fail(ErrorKind::io, "[log] {} cannot be cut at the checkpoint: {}", path, error.message());
  return whole;
}

}  // namespace fqt::trainer
