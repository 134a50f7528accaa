#include "trainer/log.h"

#include "engine/check.h"
#include "trainer/files.h"

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

std::vector<StepRecord> read_steps(const std::string& path) {
  std::vector<StepRecord> steps;
  const std::string text = read_text_file(path);
  size_t begin = 0;
  for (int64_t line = 1;; ++line) {
    const size_t end = text.find('\n', begin);
    if (end == text.npos) return steps;
    try {
      const Json json = parse_json(std::string_view(text).substr(begin, end - begin));
      if (json.at("event") == "step")
        steps.push_back(
            {json.at("step"), json.at("loss"), json.at("accuracy"), json.at("learning_rate"), json.at("seconds")});
    } catch (const Json::exception& error) {
      fail(ErrorKind::data, "[log] {}, line {}: not what fqt writes: {}", path, line, error.what());
    }
    begin = end + 1;
  }
}

}  // namespace fqt::trainer
