#include "trainer/host.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>

#include "build_info.inc"

namespace fqt::trainer {

namespace {

/// A line "MemAvailable:   1234 kB" of a file below /proc.
std::optional<int64_t> bytes_in(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name)) return std::strtoll(line.c_str() + name.size(), nullptr, 10) * 1024;
  return std::nullopt;
}

}  // namespace

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

int64_t resident_bytes() { return bytes_in("/proc/self/status", "VmRSS:").value_or(0); }

// getrusage would give the most that the program held, too, that started this one.
int64_t peak_resident_bytes() { return bytes_in("/proc/self/status", "VmHWM:").value_or(0); }

int64_t available_bytes(const std::string& root) {
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();
  const std::optional<int64_t> left = bytes_in(root + "/proc/meminfo", "MemAvailable:");
  int64_t available = left ? *left + resident_bytes() : kUnknown;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    // A group may use no more than those around it.
    for (std::string group = line.substr(3); !group.empty(); group.resize(group.rfind('/'))) {
      int64_t limit = 0;
      if (std::ifstream(root + "/sys/fs/cgroup" + group + "/memory.max") >> limit)
        available = std::min(available, limit);
    }
  }
  return available;
}

std::string utc_time() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace fqt::trainer
