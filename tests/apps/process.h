#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fqt::test {

/// An empty folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read(const std::string& path);
void write(const std::string& path, const std::string& text);

/// Exit codes, by what went wrong.
inline constexpr int kUsage = 2, kData = 65, kMissing = 66, kIo = 74, kInterrupted = 130;

struct Outcome {
  int exit_code = -1;  ///< 128 + the signal where one ended it
  std::string out, err;
};

/// The fqt program at work, in a folder of its own.
class Process {
 public:
  using Environment = std::map<std::string, std::string>;
  explicit Process(const std::vector<std::string>& arguments, const Environment& environment = {},
                   const std::string& working_directory = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  Outcome wait();

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

/// Runs fqt to its end.
Outcome fqt_program(const std::vector<std::string>& arguments, const Process::Environment& environment = {},
                    const std::string& working_directory = "");

bool contains(const std::string& text, const std::string& part);

}  // namespace fqt::test
