#include "engine/find.h"

#include <doctest/doctest.h>

#include <span>
#include <vector>

using namespace fqt;

namespace {

struct Row {
  std::string_view name;
  int number;
};

constexpr Row kRows[] = {{"one", 1}, {"two", 2}, {"two", 3}};

}  // namespace

TEST_CASE("find: a row by its name, the first of equals, in any container") {
  CHECK(&find_row(kRows, "two", "test", "number") == &kRows[1]);
  CHECK(find_or_null(kRows, "one") == &kRows[0]);
  const std::span<const Row> rows(kRows);
  CHECK(&find_row(rows, "one", "test", "number") == &kRows[0]);
  CHECK(find_or_null(kRows, "On") == nullptr);
  CHECK(find_or_null(std::span<const Row>(), "one") == nullptr);
}

TEST_CASE("find: a name that is none is answered with those that are") {
  try {
    find_row(kRows, "three", "test", "number");
    FAIL("there is no such row");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()) == "[test] no number 'three'; known: one, two, two");
  }
  CHECK(names_of(kRows) == "one, two, two");
  CHECK(names_of(std::vector<Row>{}).empty());
}
