#include "trainer/json_lines.h"

#include <cerrno>
#include <cstring>

#include "engine/check.h"

namespace fqt::trainer {

JsonLines::JsonLines(std::string path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ae"), std::fclose) {
  if (!file_) fail(ErrorKind::io, "[log] {} cannot be written: {}", path_, std::strerror(errno));
}

void JsonLines::write(const Json& json) {
  const bool written = std::fputs((to_text(json) + "\n").c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  if (!written) fail(ErrorKind::io, "[log] {} cannot be written: {}; free some space", path_, std::strerror(errno));
}

}  // namespace fqt::trainer
