#include "study/work.h"

#include <fmt/format.h>

#include <algorithm>

#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;

/// Of the runs that could be timed.
struct Total {
  double seconds = 0;
  int64_t memory = 0;  ///< bytes of the largest run
  size_t timed = 0;
};

Total total_of(const std::vector<Work>& work, Share share) {
  Total total;
  double sum = 0, longest = 0;
  for (const Work& item : work) {
    if (!item.expected.unknown.empty()) continue;
    ++total.timed;
    sum += item.seconds_left();
    longest = std::max(longest, item.seconds_left());
    total.memory = std::max(total.memory, item.expected.memory);
  }
  total.seconds = std::max(sum / share.jobs, longest);
  return total;
}

}  // namespace

std::string estimate_text(const std::vector<Work>& work, Share share) {
  if (work.empty()) return "nothing is left to do";
  const Total total = total_of(work, share);
  const std::string runs = fmt::format("{} {} to do", work.size(), work.size() == 1 ? "run" : "runs");
  const std::string shared =
      fmt::format("{} at a time on {} {} each", share.jobs, share.threads, share.threads == 1 ? "thread" : "threads");
  if (total.timed == 0) return fmt::format("{}, {}; how long is not known: none of them could be timed", runs, shared);
  const bool complete = total.timed == work.size();
  return fmt::format("{}, {} {} in all: {}, {} MB each at most{}", runs, complete ? "about" : "more than",
                     trainer::clock_time(total.seconds), shared, total.memory / 1'000'000,
                     complete ? ""
                              : fmt::format("; this is incomplete: {} of them could not be timed and are not counted",
                                            work.size() - total.timed));
}

Json estimate_json(const std::vector<Work>& work, Share share) {
  const Total total = total_of(work, share);
  Json json{{"runs", work.size()},
            {"jobs", share.jobs},
            {"threads", share.threads},
            {"seconds", total.timed > 0 || work.empty() ? Json(total.seconds) : Json()},
            {"complete", total.timed == work.size()},
            {"memory_each", total.timed > 0 ? Json(total.memory) : Json()},
            {"by_run", Json::array()}};
  for (const Work& item : work) {
    const bool known = item.expected.unknown.empty();
    json["by_run"].push_back({{"index", item.place + 1},
                              {"name", item.run->name},
                              {"seconds", known ? Json(item.seconds_left()) : Json()},
                              {"not_timed", known ? Json() : Json(item.expected.unknown)}});
  }
  return json;
}

std::vector<double> weights_of(const std::vector<Work>& work) {
  double sum = 0, timed = 0;
  for (const Work& item : work) {
    if (!item.expected.unknown.empty()) continue;
    sum += item.expected.seconds;
    ++timed;
  }
  std::vector<double> weights;
  for (const Work& item : work)
    weights.push_back(item.expected.unknown.empty() ? item.expected.seconds : timed > 0 ? sum / timed : 1);
  return weights;
}

}  // namespace fqt::study
