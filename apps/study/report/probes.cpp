#include "study/report/probes.h"

#include <filesystem>
#include <sstream>

#include "engine/check.h"
#include "trainer/files.h"
#include "trainer/json.h"
#include "trainer/run_directory.h"

namespace fqt::study {
namespace {

using trainer::Json;

/// Where an operand is told of; the first that does counts.
struct Source {
  const char *product, *side;
  size_t operand;
};
constexpr Source kSources[] = {
    {"forward", "lhs", 0}, {"forward", "rhs", 1}, {"grad_lhs", "lhs", 2}, {"grad_rhs", "rhs", 2}};

struct Mean {
  double sum = 0;
  int64_t count = 0;
};
using Sums = std::map<std::tuple<int64_t, std::string, size_t>, Mean>;  ///< by step, site and source

/// Histograms are most of a line, and none of what is read.
bool is_read(int, Json::parse_event_t event, const Json& parsed) {
  return event != Json::parse_event_t::key || parsed != "histogram";
}

void read_line(const Json& line, Sums& sums) {
  for (size_t i = 0; i < std::size(kSources); ++i) {
    if (line.at("product") != kSources[i].product) continue;
    const Json& operand = line.at(kSources[i].side);
    const auto sqnr = operand.find("sqnr_db");
    if (sqnr == operand.end() || sqnr->is_null()) continue;
    Mean& mean = sums[{line.at("step").get<int64_t>(), line.at("site").get<std::string>(), i}];
    mean.sum += sqnr->get<double>();
    ++mean.count;
  }
}

}  // namespace

Probes read_probes(const std::string& directory) {
  const std::string path = trainer::RunDirectory::open(directory).probes();
  if (std::error_code error; !std::filesystem::exists(path, error)) return {};
  const std::string text = trainer::read_text_file(path);
  std::istringstream lines(text.substr(0, text.rfind('\n') + 1));  // a line that is not whole is being written
  Sums sums;
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) try {
      read_line(Json::parse(line, is_read), sums);
    } catch (const Json::exception&) {
      fail(ErrorKind::data,
           "[report] {}:{} is no line of a probe: it is damaged, or another version wrote it; remove {}", path, number,
           path);
    }
  Probes probes;
  for (const auto& [key, mean] : sums) {
    const auto& [step, site, source] = key;
    probes.emplace(std::tuple(step, site, kSources[source].operand), mean.sum / static_cast<double>(mean.count));
  }
  return probes;
}

}  // namespace fqt::study
