#include "trainer/log.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/check.h"
#include "trainer/json.h"

namespace fqt::trainer {

Log::Log(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "ae"), std::fclose) {
  if (!file_) fail(ErrorKind::io, "[log] {} cannot be written: {}", path_, std::strerror(errno));
}

void Log::write(const std::string& line) {
  const bool written = std::fputs((line + "\n").c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  if (!written) fail(ErrorKind::io, "[log] {} cannot be written: {}; free some space", path_, std::strerror(errno));
}

void Log::step(const StepRecord& record) {
  write(to_text(Json{{"event", "step"},
                     {"step", record.step},
                     {"loss", record.loss},
                     {"accuracy", record.accuracy},
                     {"learning_rate", record.learning_rate},
                     {"seconds", record.seconds}}));
}

void Log::evaluation(int64_t step, double loss, double accuracy, int64_t images) {
  write(to_text(Json{
      {"event", "evaluation"}, {"step", step}, {"test_loss", loss}, {"test_accuracy", accuracy}, {"images", images}}));
}

void Log::end(const std::string& status, int64_t step, const std::string& message) {
  Json json{{"event", status}, {"step", step}};
  if (!message.empty()) json["message"] = message;
  write(to_text(json));
}

}  // namespace fqt::trainer
