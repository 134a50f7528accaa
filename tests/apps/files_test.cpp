#include "trainer/files.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;
namespace fs = std::filesystem;

namespace {

int64_t entries(const TemporaryFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

}  // namespace

TEST_CASE("files: what is written is read, and replaces what was there") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  trainer::write_text_file(path, std::string(200'000, 'x'));  // longer than one block of reading
  CHECK(trainer::read_text_file(path) == std::string(200'000, 'x'));
  trainer::write_text_file(path, "short");
  CHECK(trainer::read_text_file(path) == "short");
  CHECK(entries(folder) == 1);
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

TEST_CASE("files: a write that fails keeps the old content, and leaves nothing beside it") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  trainer::write_text_file(path, "old");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{1 << 10, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_AS(trainer::write_text_file(path, std::string(1 << 12, 'x')), Error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(trainer::read_text_file(path) == "old");
  CHECK(entries(folder) == 1);
}

TEST_CASE("files: a file that only looks like a temporary one is left alone") {
  const TemporaryFolder folder;
  const std::string path = folder / "a", like = path + ".tmp", taken = path + "." + std::to_string(getpid()) + "-0.tmp";
  write(like, "mine");
  write(taken, "mine, too");
  trainer::write_text_file(path, "new");
  CHECK(read(like) == "mine");
  CHECK(read(taken) == "mine, too");
  CHECK(read(path) == "new");
  CHECK(entries(folder) == 3);
}

TEST_CASE("files: permissions stay as they were") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  write(path, "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  trainer::write_text_file(path, "new");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("files: a symbolic link stays, and what it leads to is replaced") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "below");
  write(folder / "below/file", "old");
  fs::create_symlink("below/file", folder / "link");
  fs::create_symlink("link", folder / "again");
  trainer::write_text_file(folder / "again", "new");
  CHECK(read(folder / "below/file") == "new");
  CHECK((fs::is_symlink(folder / "link") && fs::is_symlink(folder / "again")));
  fs::create_symlink("below/none", folder / "dangling");
  trainer::write_text_file(folder / "dangling", "made");
  CHECK(read(folder / "below/none") == "made");
  CHECK(fs::is_symlink(folder / "dangling"));
  fs::create_symlink("round", folder / "round");
  CHECK_THROWS_AS(trainer::write_text_file(folder / "round", "x"), Error);
}

TEST_CASE("files: a pipe is written to, not replaced") {
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = trainer::read_text_file(path); });
  trainer::write_text_file(path, "through the pipe");
  reader.join();
  CHECK(got == "through the pipe");
  CHECK(fs::is_fifo(path));
  CHECK(entries(folder) == 1);
}
