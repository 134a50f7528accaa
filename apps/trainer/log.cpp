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

void Log::evaluation(int64_t step, double loss, double accuracy, int64_t images) {
  lines_.write(Json{
      {"event", "evaluation"}, {"step", step}, {"test_loss", loss}, {"test_accuracy", accuracy}, {"images", images}});
}

void Log::end(const std::string& status, int64_t step, const std::string& message) {
  Json json{{"event", status}, {"step", step}};
  if (!message.empty()) json["message"] = message;
  lines_.write(json);
}

}  // namespace fqt::trainer
