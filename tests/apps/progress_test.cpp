#include "trainer/progress.h"

#include <doctest/doctest.h>

#include "apps/process.h"

using namespace fqt::trainer;
using fqt::test::contains;

namespace {

constexpr ProgressState kProgress{.what = "step",
                                  .done = 150,
                                  .total = 400,
                                  .has_result = true,
                                  .loss = 1.2345,
                                  .accuracy = 56.78,
                                  .items_per_second = 812.4,
                                  .seconds_left = 75};

/// Columns a terminal would use: escape sequences (up to their final letter) take none.
int columns(const std::string& line) {
  int count = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b')
      i = line.find('m', i);
    else
      ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("progress: a bar fits every width and always says the step") {
  for (int width = 20; width <= 120; ++width) {
    const std::string plain = format_bar(kProgress, width, false);
    CAPTURE(width);
    CHECK(columns(plain) < width);
    CHECK(plain.starts_with("step 150/400"));
    CHECK(columns(format_bar(kProgress, width, true)) == columns(plain));
  }
}

TEST_CASE("progress: a wide bar shows everything, in proportion") {
  const std::string bar = format_bar(kProgress, 120, false);
  CHECK(bar ==
        "step 150/400 [###############-------------------------]"  // 15 of 40: 150 of 400
        "  loss 1.234  accuracy 56.8 %  1:15 left  812 images/s");
}

TEST_CASE("progress: the least important figures go first") {
  const std::string bar = format_bar(kProgress, 40, false);
  CHECK(contains(bar, "loss 1.234"));
  CHECK_FALSE(contains(bar, "images/s"));
}

TEST_CASE("progress: no width is too small, no state too early") {
  for (int width = 0; width < 20; ++width) CHECK(columns(format_bar(kProgress, width, true)) <= width);
  CHECK(contains(format_bar({.what = "step", .done = 0, .total = 0}, 80, false), "step 0/0"));
  CHECK(contains(format_bar({.what = "step", .done = 5, .total = 4}, 80, false), "step 5/4"));
}

TEST_CASE("progress: a plain line has no colours and no bar") {
  CHECK(format_line(kProgress) == "step 150/400, loss 1.234, accuracy 56.8 %, 1:15 left, 812 images/s");
}
