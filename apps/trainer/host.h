#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fqt::trainer {

/// What this program was built from and with.
struct BuildInfo {
  std::string_view version;   ///< "0.1.0"
  std::string_view commit;    ///< "4d5e1a2b9c03", "-dirty" behind it where the tree had changes; or "unknown"
  std::string_view compiler;  ///< "GNU 12.2.0"
};

const BuildInfo& build_info();

/// As /proc/cpuinfo names it, or "unknown".
std::string cpu_model();

/// Memory this process holds, and the most it has held at once, in bytes.
int64_t resident_bytes();
int64_t peak_resident_bytes();

/// The most this process could hold, in bytes: what it holds and what the system has left (MemAvailable), or the limit
/// of its control groups (version 2) where that is less. `root` stands for "/" in tests.
int64_t available_bytes(const std::string& root = "");

/// Now, in UTC: "2024-05-01T12:00:00Z".
std::string utc_time();

}  // namespace fqt::trainer
