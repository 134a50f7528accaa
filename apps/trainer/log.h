#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace fqt::trainer {

/// What a training step or an evaluation found.
struct StepRecord {
  int64_t step = 0;               ///< steps done, this one included
  double loss = 0, accuracy = 0;  ///< accuracy in percent
  double learning_rate = 0;
  double seconds = 0;  ///< of training so far
};

/// log.jsonl: one JSON object a line, each written whole, so that a run that is killed leaves a log that can be read.
class Log {
 public:
  /// Error(io) where the file cannot be written.
  explicit Log(const std::string& path);

  void step(const StepRecord& record);
  void evaluation(int64_t step, double loss, double accuracy, int64_t images);
  /// How a run ended: "finished", "interrupted", "diverged", "failed".
  void end(const std::string& status, int64_t step, const std::string& message);

 private:
  void write(const std::string& line);

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace fqt::trainer
