#include "trainer/host.h"

#include <fmt/chrono.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>

#include "build_info.inc"

namespace fqt::trainer {

const BuildInfo& build_info() {
  static constexpr BuildInfo info{FQT_VERSION, FQT_COMMIT, FQT_COMPILER};
  return info;
}

std::string cpu_model() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 / 1e6;
}

std::string utc_time() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace fqt::trainer
