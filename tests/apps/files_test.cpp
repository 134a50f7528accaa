#include "trainer/files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;

TEST_CASE("files: what is written is read, and replaces what was there") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  trainer::write_text_file(path, std::string(200'000, 'x'));  // longer than one block of reading
  CHECK(trainer::read_text_file(path) == std::string(200'000, 'x'));
  trainer::write_text_file(path, "short");
  CHECK(trainer::read_text_file(path) == "short");
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST_CASE("files: a file that does not exist is missing, one that cannot be written or read is io") {
  const TemporaryFolder folder;
  const auto kind_of = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  CHECK(kind_of([&] { trainer::read_text_file(folder / "none"); }) == ErrorKind::missing);
  CHECK(kind_of([&] { trainer::read_text_file(folder.path()); }) == ErrorKind::io);
  CHECK(kind_of([&] { trainer::write_text_file(folder / "none/a", "x"); }) == ErrorKind::io);
}

TEST_CASE("files: a write that fails keeps the old content") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  trainer::write_text_file(path, "old");
  std::filesystem::create_directory(path + ".tmp");  // the file beside it cannot be opened
  CHECK_THROWS_AS(trainer::write_text_file(path, "new"), Error);
  CHECK(trainer::read_text_file(path) == "old");
}
