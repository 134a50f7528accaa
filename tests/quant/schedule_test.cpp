#include "quant/plan/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/check.h"

using namespace fqt;
using namespace fqt::quant;

namespace {

std::vector<int> bits_of(const BitScheduleOptions& options, int planned, int64_t from, int64_t to) {
  std::vector<int> bits;
  for (int64_t step = from; step < to; ++step)
    bits.push_back(find_bit_schedule(options.name).bits(options, planned, step));
  return bits;
}

}  // namespace

TEST_CASE("schedule: cyclic is CPT's cosine") {
  // rint(3 + 5/2 (1 - cos(pi t/8))): 3, 3.19, 3.73, 4.54, 5.5, 6.46, 7.27, 7.81, and from the start.
  const BitScheduleOptions options{"cyclic", 3, 8, 0, 1000};
  const std::vector<int> cycle{3, 3, 4, 5, 6, 6, 7, 8};
  CHECK(bits_of(options, 8, 0, 8) == cycle);
  CHECK(bits_of(options, 8, 8, 16) == cycle);
  CHECK(bits_of(options, 8, 800, 808) == cycle);
  // Halves to even: 3 + 3/2 = 4.5 goes to 4, 4 + 3/2 = 5.5 to 6. Half way the cosine is exactly 0.
  CHECK(cyclic_bits({"cyclic", 3, 2, 0, 100}, 6, 1) == 4);
  CHECK(cyclic_bits({"cyclic", 4, 2, 0, 100}, 7, 1) == 6);
}

TEST_CASE("schedule: a period that is not given is a 32nd of the run, of at least 8 steps, or the run") {
  const auto period = [](int64_t steps) { return cyclic_period({"cyclic", 3, 0, 0, steps}); };
  CHECK((period(64000) == 2000 && period(288) == 9 && period(287) == 8 && period(256) == 8));
  CHECK((period(255) == 8 && period(64) == 8 && period(8) == 8 && period(7) == 7 && period(1) == 1));
  CHECK(cyclic_period({"cyclic", 3, 2, 0, 64000}) == 2);
  const BitScheduleOptions by_default{"cyclic", 3, 0, 0, 256}, given{"cyclic", 3, 8, 0, 256};
  CHECK(bits_of(by_default, 8, 0, 64) == bits_of(given, 8, 0, 64));
}

TEST_CASE(
    "schedule: every cycle of a default period rises, of 8 steps and more to the planned bits or the width below") {
  for (const int64_t steps : {2, 3, 5, 8, 10, 31, 32, 63, 64, 100, 255, 256, 1000})
    for (int planned = 5; planned <= 16; ++planned) {
      CAPTURE(steps);
      CAPTURE(planned);
      const BitScheduleOptions options{"cyclic", 3, 0, 0, steps};
      const std::vector<int> cycle = bits_of(options, planned, 0, cyclic_period(options));
      const int highest = *std::max_element(cycle.begin(), cycle.end());
      CHECK(highest > 3);
      if (steps >= 8) CHECK(highest >= planned - 1);
    }
}

TEST_CASE("schedule: a period of one step is refused") {
  CHECK_THROWS_WITH_AS(check_schedule({"cyclic", 3, 1, 0, 100}),
                       "[bits] bits.period: a cycle of 1 step never leaves bits.low; give 2 or more, or 0", Error);
  check_schedule({"cyclic", 3, 2, 0, 100});
  check_schedule({"cyclic", 3, 0, 0, 100});
}

TEST_CASE("schedule: progressive rises in a line and then stays") {
  // 2 + 6 t / 50, from step 50 on 8: 2, 2.12 ... 4.52 at 21, 4.64 at 22, 5 at 25, 7.4 at 45, 7.52 at 46.
  const BitScheduleOptions options{"progressive", 2, 0, 0.5, 100};
  struct Row {
    int64_t step;
    int bits;
  };
  for (const Row& row : {Row{0, 2}, {4, 2}, {5, 3}, {21, 5}, {25, 5}, {45, 7}, {46, 8}, {50, 8}, {99, 8}}) {
    CAPTURE(row.step);
    CHECK(progressive_bits(options, 8, row.step) == row.bits);
  }
  CHECK(bits_of({"progressive", 2, 0, 0, 100}, 8, 0, 3) == std::vector<int>{8, 8, 8});
  CHECK(progressive_bits({"progressive", 2, 0, 1, 100}, 8, 50) == 5);
}

TEST_CASE("schedule: a site planned below the start stays at its own bits") {
  for (const char* name : {"constant", "cyclic", "progressive"}) {
    CAPTURE(name);
    CHECK(bits_of({name, 6, 8, 0.5, 100}, 4, 0, 8) == std::vector<int>(8, 4));
    CHECK(bits_of({name, 6, 8, 0.5, 100}, 6, 0, 8) == std::vector<int>(8, 6));
  }
}

TEST_CASE("schedule: each operand follows its own planned bits, float sites none") {
  const BitTable planned{{"head"}, {"a", false, {{ProductBits{8, 4}, {16, 4}, {8, 16}}}}, SiteBits::uniform("b", 2)};
  CHECK(scheduled(planned, {"constant"}, 7) == planned);
  // Half way from 4 (or from below it) to each: 8 -> 6, 4 -> 4, 16 -> 10, 2 stays.
  const BitTable half = scheduled(planned, {"progressive", 4, 0, 1, 100}, 50);
  CHECK(half == BitTable{{"head"}, {"a", false, {{ProductBits{6, 4}, {10, 4}, {6, 10}}}}, SiteBits::uniform("b", 2)});
  CHECK(scheduled(planned, {"progressive", 4, 0, 1, 100}, 100) == planned);
  CHECK_THROWS_WITH_AS(scheduled(planned, {"sawtooth"}, 0),
                       "[bits] no schedule 'sawtooth'; known: constant, cyclic, progressive", Error);
}
