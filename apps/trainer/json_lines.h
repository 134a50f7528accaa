#pragma once

#include <cstdint>
#include <string>

#include "trainer/descriptor.h"
#include "trainer/json.h"

namespace fqt::trainer {

/// A file of one JSON object a line, each written whole, so that a run that is killed leaves a file that can be read.
class JsonLines {
 public:
  /// Appends. Error(io) where the file cannot be written, here and in write().
  explicit JsonLines(std::string path);
  void write(const Json& json);
  /// Waits until every line is on the disk. Error(io).
  void sync();
  int64_t bytes() const;

 private:
  [[noreturn]] void fail_to_write() const;
  std::string path_;
  Descriptor file_;
};

/// Cuts a file of lines down to its first `bytes`, which end in a line's end; none is as good as an empty one. False
/// where it is shorter: lines are missing, and what is left is kept, but for a line that is not whole. Error(io).
bool cut_lines(const std::string& path, int64_t bytes);

}  // namespace fqt::trainer
