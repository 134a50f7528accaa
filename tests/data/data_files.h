#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "data/cifar.h"
#include "engine/check.h"

namespace fqt::test {

/// An empty folder, removed with all it holds at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> count = 0;
    const auto root = std::filesystem::temp_directory_path();
    do {
      path_ = root / fmt::format("fqt_data_test_{}_{}", reinterpret_cast<uintptr_t>(this), count++);
    } while (!std::filesystem::create_directory(path_));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline void write_text(const std::string& path, const std::string& text) {
  write_file(path, {text.begin(), text.end()});
}

/// The kind and the message of the error that `action` ends in.
struct Failure {
  ErrorKind kind;
  std::string message;

  bool says(const std::string& text) const { return message.find(text) != std::string::npos; }
};

template <typename Action>
Failure failure_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  FAIL("no error");
  return {};
}

/// Where the real data may lie: FQT_DATA, or beside the sources.
inline std::string real_data() {
  const char* given = std::getenv("FQT_DATA");
  return given ? given : FQT_SOURCE_DIR "/../shared/data";
}

/// A record whose red plane is filled with `red`, green with red + 1, blue with red + 2.
inline std::vector<uint8_t> cifar_record(uint8_t label, uint8_t red) {
  std::vector<uint8_t> record = {label};
  for (uint8_t plane = 0; plane < 3; ++plane) record.insert(record.end(), 1024, static_cast<uint8_t>(red + plane));
  return record;
}

/// Five training files and a test file of one record each: labels 0 to 4 and 5, red values 10 times the label.
inline void write_small_cifar(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (uint8_t i = 0; i < 5; ++i) {
    write_file(fmt::format("{}/data_batch_{}.bin", folder, i + 1), cifar_record(i, static_cast<uint8_t>(10 * i)));
  }
  write_file(folder + "/test_batch.bin", cifar_record(5, 50));
}

}  // namespace fqt::test
