#include "trainer/run_directory.h"

#include <doctest/doctest.h>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

ErrorKind create_error(const std::string& out) {
  Config config;
  config.out = out;
  try {
    RunDirectory::create(config, "my images");
  } catch (const Error& error) {
    CHECK(contains(error.what(), out));
    return error.kind();
  }
  return ErrorKind::internal;
}

}  // namespace

TEST_CASE("run directory: a folder asked for is made with its parents, an empty one is taken") {
  const TemporaryFolder folder;
  Config config;
  config.out = folder / "a/b";
  CHECK(RunDirectory::create(config, "my images").weights() == folder / "a/b/checkpoints/weights.safetensors");
  CHECK(std::filesystem::is_directory(folder / "a/b/checkpoints"));
  std::filesystem::create_directory(folder / "empty");
  config.out = folder / "empty";
  CHECK_NOTHROW(RunDirectory::create(config, "my images"));
}

TEST_CASE("run directory: what exists is not written over") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "run/checkpoints");
  write(folder / "file", "x");
  CHECK(create_error(folder / "run") == ErrorKind::usage);
  CHECK(create_error(folder / "file") == ErrorKind::usage);
  CHECK(create_error(folder / "file/below") == ErrorKind::io);
  CHECK(create_error("/proc/none/run") == ErrorKind::io);
}

TEST_CASE("run directory: a name of its own says what the run is, and is never taken twice") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  Config config;
  config.model = "resnet20";
  config.seed = 7;
  const std::string first = RunDirectory::create(config, "my images").path(),
                    second = RunDirectory::create(config, "my images").path();
  std::filesystem::current_path(before);
  CHECK(first == "runs/resnet20-U6-my_images-s7");
  CHECK(second == "runs/resnet20-U6-my_images-s7-2");
}

TEST_CASE("run directory: opening one that is not there, or is no run, is an error") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(RunDirectory::open(folder / "none"), Error);
  CHECK_THROWS_AS(RunDirectory::open(folder.path()), Error);
  write(folder / "config.toml", "");
  CHECK(RunDirectory::open(folder.path()).path() == folder.path());
}
