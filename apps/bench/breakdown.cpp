#include "bench/breakdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "trainer/json.h"

namespace fqt::bench {

using profile::kPhaseNames;
using profile::kPhases;

Breakdown break_down(std::span<const profile::Event> events, int64_t steps) {
  Breakdown all;
  std::map<std::string_view, OperationTime> by_name;
  const double share = 1.0 / static_cast<double>(steps);
  for (const profile::Event& event : events) {
    if (event.thread != 0) continue;  // what others do meanwhile is inside of what the first one waits for
    OperationTime& operation = by_name[event.operation];
    for (size_t phase = 0; phase < kPhases; ++phase) {
      const double seconds = event.own[phase] * share;
      all.seconds += seconds;
      all.phases[phase] += seconds;
      operation.phases[phase] += seconds;
      operation.seconds += seconds;
      if (!event.detail.empty() && event.detail != "forward") operation.backward += seconds;
    }
  }
  for (auto& [name, operation] : by_name) {
    operation.name = name.empty() ? "between them" : std::string(name);
    all.operations.push_back(std::move(operation));
  }
  std::ranges::sort(all.operations, std::greater(), &OperationTime::seconds);
  return all;
}

std::string chrome_trace(std::span<const profile::Event> events) {
  constexpr double kMicroseconds = 1e6;
  trainer::Json list = trainer::Json::array();
  for (const profile::Event& event : events) {
    const std::string_view phase = kPhaseNames[static_cast<size_t>(event.phase)];
    std::string name(event.operation.empty() ? phase : event.operation);
    if (!event.operation.empty() && event.phase != profile::Phase::other) name += fmt::format(" {}", phase);
    trainer::Json entry{{"name", name},
                        {"cat", phase},
                        {"ph", "X"},
                        {"ts", event.start * kMicroseconds},
                        {"dur", event.seconds * kMicroseconds},
                        {"pid", 1},
                        {"tid", event.thread}};
    if (!event.detail.empty()) entry["args"]["pass"] = event.detail;
    for (size_t part = 0; part < kPhases; ++part)
      if (event.own[part] > 0 && part != static_cast<size_t>(event.phase))
        entry["args"][fmt::format("{}, microseconds", kPhaseNames[part])] = event.own[part] * kMicroseconds;
    list.push_back(std::move(entry));
  }
  return trainer::to_text({{"displayTimeUnit", "ms"}, {"traceEvents", std::move(list)}}) + "\n";
}

}  // namespace fqt::bench
