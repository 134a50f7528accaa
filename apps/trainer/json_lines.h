#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "trainer/json.h"

namespace fqt::trainer {

/// A file of one JSON object a line, each written whole, so that a run that is killed leaves a file that can be read.
class JsonLines {
 public:
  /// Appends. Error(io) where the file cannot be written, here and in write().
  explicit JsonLines(std::string path);
  void write(const Json& json);

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace fqt::trainer
