#pragma once

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

/// The most memory this process has held at once, in MB (10^6 bytes).
double peak_rss_mb();

/// Now, in UTC: "2024-05-01T12:00:00Z".
std::string utc_time();

}  // namespace fqt::trainer
