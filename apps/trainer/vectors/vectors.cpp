#include "trainer/vectors/vectors.h"

#include <filesystem>

#include "engine/check.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/vectors/topics.h"

namespace fqt::trainer {
namespace {

namespace fs = std::filesystem;

constexpr int kVersion = 1;  ///< of the keys; grows where a reader of the last one would go wrong

void make_folder(const std::string& path) {
  std::error_code error, ignored;
  fs::create_directories(path, error);
  if (error && !fs::exists(path, ignored))
    fail(ErrorKind::io, "[vectors] the folder {} cannot be made: {}; choose another with -o DIR", path,
         error.message());
  check(fs::is_directory(path, ignored) && fs::is_empty(path, ignored),
        "[vectors] {} exists already and is not an empty folder; choose another with -o DIR", path);
}

const VectorTopic kTopics[] = {
    {"ranges", "ranges of values", vectors::range_cases},
    {"running_range", "running averages of ranges", vectors::running_range_cases},
    {"tensors", "tensors from values to codes, per tensor and per channel", vectors::tensor_cases},
    {"philox", "random words of stochastic rounding", vectors::philox_cases},
    {"products", "integer products of codes, and their results", vectors::product_cases},
    {"accumulators", "the same sums in accumulators of few bits", vectors::accumulator_cases},
};

/// A case a line, so that files can be read and compared line by line.
std::string file_text(const std::string& about, const std::vector<Json>& cases) {
  std::string text = fmt::format("{{\"about\":{},\n\"cases\":[", to_text(about));
  for (size_t i = 0; i < cases.size(); ++i) text += (i == 0 ? "\n" : ",\n") + to_text(cases[i]);
  return text + "\n]}\n";
}

}  // namespace

std::vector<VectorTopic> vector_topics() {
  std::vector<VectorTopic> topics;
  for (const quant::Format* format : vectors::integer_formats()) {
    const std::string name(format->name);
    topics.push_back({"quantize_" + name, "values on " + name + " grids over given ranges",
                      [format](uint64_t seed) { return vectors::grid_cases(*format, seed); }});
  }
  for (const VectorTopic& topic : kTopics) topics.push_back(topic);
  return topics;
}

std::vector<VectorFile> write_vectors(const std::string& folder, uint64_t seed) {
  make_folder(folder);
  std::vector<VectorFile> files;
  Json index{{"about", "test vectors of fqt; docs/vectors.md says what is in them"},
             {"version", kVersion},
             {"fqt", build_info().version},
             {"seed", seed}};
  const auto write = [&](const std::string& name, size_t cases, const std::string& text) {
    write_text_file(folder + "/" + name, text);
    files.push_back({name, cases, text.size()});
  };
  for (const VectorTopic& topic : vector_topics()) {
    const std::vector<Json> cases = topic.cases(seed);
    write(topic.name + ".json", cases.size(), file_text(topic.about, cases));
    index["files"].push_back({{"name", topic.name + ".json"}, {"about", topic.about}, {"cases", cases.size()}});
  }
  write("index.json", files.size(), to_text(index, 2) + "\n");
  return files;
}

}  // namespace fqt::trainer
