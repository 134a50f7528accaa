#include "trainer/log.h"

namespace fqt::trainer {

void Log::step(const StepRecord& record) {
  lines_.write(Json{{"event", "step"},
                    {"step", record.step},
                    {"loss", record.loss},
                    {"accuracy", record.accuracy},
                    {"learning_rate", record.learning_rate},
                    {"seconds", record.seconds}});
}

void Log::evaluation(int64_t step, const Json& figures) {
  Json line{{"event", "evaluation"}, {"step", step}};
  line.update(figures);
  lines_.write(line);
}

void Log::end(const std::string& status, int64_t step, const std::string& message) {
  Json json{{"event", status}, {"step", step}};
  if (!message.empty()) json["message"] = message;
  lines_.write(json);
}

}  // namespace fqt::trainer
