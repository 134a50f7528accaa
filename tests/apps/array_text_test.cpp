#include "trainer/array_text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <sstream>
#include <vector>

#include "engine/random.h"
#include "trainer/exact.h"

using namespace fqt;
using namespace fqt::trainer;

namespace {

/// The numbers from 0 on, in this shape.
std::string counted(const Shape& shape) {
  std::vector<int32_t> values(static_cast<size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0);
  return array_text(shape, values);
}

}  // namespace

TEST_CASE("array text: as NumPy prints") {
  CHECK(array_text({}, std::vector<int32_t>{-5}) == "-5");
  CHECK(counted({0, 3}) == "[]");
  CHECK(counted({3}) == "[0 1 2]");
  CHECK(array_text({2, 2}, std::vector<int32_t>{-8, 7, 0, 100}) == "[[ -8   7]\n [  0 100]]");
  CHECK(counted({2, 1, 2}) == "[[[0 1]]\n\n [[2 3]]]");
  CHECK(counted({2, 1, 1, 1}) == "[[[[0]]]\n\n\n [[[1]]]]");
}

TEST_CASE("array text: long arrays are cut short, long lines wrapped") {
  CHECK(counted({201}) == "[  0   1   2 ... 198 199 200]");
  CHECK(counted({20, 30}) ==
        "[[  0   1   2 ...  27  28  29]\n"
        " [ 30  31  32 ...  57  58  59]\n"
        " [ 60  61  62 ...  87  88  89]\n"
        " ...\n"
        " [510 511 512 ... 537 538 539]\n"
        " [540 541 542 ... 567 568 569]\n"
        " [570 571 572 ... 597 598 599]]");
  CHECK(counted({2, 300}) == "[[  0   1   2 ... 297 298 299]\n [300 301 302 ... 597 598 599]]");
  for (const Shape& shape : {Shape{200}, Shape{2, 100}, Shape{1, 1, 1, 150}, Shape{9, 9, 9, 9}, Shape{5, 40, 41}}) {
    std::istringstream lines(counted(shape));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) CHECK(line.size() <= 80);
    CHECK(count <= 40);
  }
}

TEST_CASE("exact: few digits that give the same float32") {
  CHECK(exact(0.1f) == 0.1);
  CHECK(bits_of(1.0f) == "3f800000");
  CHECK(bits_of(-0.0f) == "80000000");
  std::vector<float> values{0.0f, -0.0f, 1e-45f, 1.17549435e-38f, 3.4028235e38f, -3.4028235e38f, 16777216.0f};
  for (uint64_t i = 0; i < 10'000; ++i) {
    const uint32_t bits = random_word({1, 2}, i);
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) values.push_back(value);
  }
  int wrong = 0;
  for (const float value : values) wrong += bits_of(static_cast<float>(exact(value))) != bits_of(value);
  CHECK(wrong == 0);
}
