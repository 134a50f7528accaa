// `fqt data`: what is listed, downloaded (from a server on loopback), verified and written.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <sstream>
#include <thread>

#include "apps/process.h"

using namespace fqt::test;

namespace {

namespace fs = std::filesystem;

template <typename Condition>
bool wait_for(const Condition& condition) {
  for (int i = 0; i < 1500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// data_server.py at work.
class Server {
 public:
  Server() {
    const std::string command =
        fmt::format("exec python3 '{}/tests/apps/data_server.py' '{}' 2>/dev/null", FQT_SOURCE_DIR, folder_.path());
    pipe_ = popen(command.c_str(), "w");
    runs_ = pipe_ && std::system("command -v python3 >/dev/null") == 0 &&
            wait_for([&] { return fs::exists(folder_ / "port"); });
    std::istringstream sums(runs_ ? read(folder_ / "sums") : "");
    for (std::string name, sum; sums >> name >> sum;) sums_[name] = "md5:" + sum;
  }
  ~Server() {
    if (pipe_) pclose(pipe_);
  }

  bool runs() const { return runs_; }
  std::string url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}/{}", read(folder_ / "port"), path);
  }
  const std::string& sum(const std::string& name) const { return sums_.at(name); }
  std::string requests() const { return read(folder_ / "requests"); }
  int64_t bytes(const std::string& name) const { return static_cast<int64_t>(fs::file_size(folder_ / name)); }

 private:
  TemporaryFolder folder_;
  std::FILE* pipe_ = nullptr;
  bool runs_ = false;
  std::map<std::string, std::string> sums_;
};

/// The arguments that download `path` (of the archive `name`) as cifar10 into `folder`.
std::vector<std::string> get(const Server& server, const TemporaryFolder& folder, const std::string& path,
                             const std::string& name) {
  return {"data", "get", "cifar10", "--dir", folder.path(), "--url", server.url(path), "--checksum", server.sum(name)};
}

bool is_empty(const TemporaryFolder& folder) { return fs::is_empty(folder.path()); }

}  // namespace

TEST_CASE("fqt data get: downloads, resumes, and refuses what is not right") {
  static const Server server;  // one for all subcases
  if (!server.runs()) {
    MESSAGE("skipped: python3 is needed, to serve archives");
    return;
  }
  const TemporaryFolder folder;
  const std::string part = folder / "cifar10.part", data = folder / "cifar-10-batches-bin";
  const auto fails = [&](const std::string& path, const std::string& name, int code, const std::string& expected) {
    const Outcome outcome = fqt_program(get(server, folder, path, name));
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == code);
    CHECK(contains(outcome.err, expected));
    CHECK_FALSE(fs::exists(data));
    CHECK_FALSE(fs::exists(folder / "cifar10.unpacking"));
  };

  SUBCASE("a whole archive") {
    const Outcome outcome = fqt_program(get(server, folder, "good.tar.gz", "good.tar.gz"));
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    CHECK(outcome.out == data + "\n");
    CHECK_FALSE(fs::exists(part));
    const Outcome verified = fqt_program({"data", "verify", data, "--json"});
    CHECK(contains(verified.out, "\"data\":\"cifar10\""));
    CHECK(contains(verified.out, "\"images\":15"));
    const Outcome again = fqt_program(get(server, folder, "good.tar.gz", "good.tar.gz"));
    CHECK(again.exit_code == kUsage);
    CHECK(contains(again.err, "exists already"));
  }
  SUBCASE("a zip") {
    const Outcome outcome = fqt_program({"data", "get", "wikitext-2", "--dir", folder.path(), "--url",
                                         server.url("good.zip"), "--checksum", server.sum("good.zip")});
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(fs::exists(folder / "wikitext-2/wiki.valid.tokens"));
  }
  SUBCASE("cut off, and gone on with") {
    for (const char* second : {"good.tar.gz", "whole/good.tar.gz"}) {
      CAPTURE(second);
      fails("half/good.tar.gz", "good.tar.gz", kIo, "goes on where it stopped");
      const int64_t half = server.bytes("good.tar.gz") / 2;
      CHECK(static_cast<int64_t>(fs::file_size(part)) == half);
      CHECK(fqt_program(get(server, folder, second, "good.tar.gz")).exit_code == 0);
      CHECK(contains(server.requests(), fmt::format("{} bytes={}-\n", second, half)));
      fs::remove_all(data);
    }
  }
  SUBCASE("whole already, but not unpacked") {
    CHECK(fqt_program(get(server, folder, "link.tar.gz", "link.tar.gz")).exit_code == kData);
    CHECK(fqt_program(get(server, folder, "link.tar.gz", "link.tar.gz")).exit_code == kData);  // a range beyond its end
    CHECK(contains(server.requests(), fmt::format("bytes={}-", server.bytes("link.tar.gz"))));
  }
  SUBCASE("another checksum") {
    fails("good.tar.gz", "link.tar.gz", kData, "expected");
    CHECK(is_empty(folder));
    const Outcome official =
        fqt_program({"data", "get", "cifar10", "--dir", folder.path(), "--url", server.url("good.tar.gz")});
    CHECK(official.exit_code == kData);
    CHECK(contains(official.err, "c32a1d4ab5d03f1284b67883e8d87530"));
    CHECK(is_empty(folder));
  }
  SUBCASE("archives that are hostile or not what is wanted") {
    fails("climb.tar.gz", "climb.tar.gz", kData, "leads out of the folder");
    fs::remove(part);
    fails("absolute.tar.gz", "absolute.tar.gz", kData, "leads out of the folder");
    fs::remove(part);
    fails("link.tar.gz", "link.tar.gz", kData, "neither a file nor a folder");
    fs::remove(part);
    fails("hard.tar.gz", "hard.tar.gz", kData, "neither a file nor a folder");
    fs::remove(part);
    const Outcome bomb = fqt_program({"data", "get", "wikitext-2", "--dir", folder.path(), "--url",
                                      server.url("bomb.tar.gz"), "--checksum", server.sum("bomb.tar.gz")});
    CHECK(bomb.exit_code == kData);
    CHECK(contains(bomb.err, "holds more than 50000000 bytes"));
    CHECK_FALSE(fs::exists(folder / "wikitext-2.unpacking"));
    fails("cut.tar.gz", "cut.tar.gz", kData, "cannot be unpacked");
    fs::remove(part);
    fails("other.tar.gz", "other.tar.gz", kData, "no folder cifar-10-batches-bin");
  }
  SUBCASE("a server that does not have it, or does not end") {
    fails("nothing.tar.gz", "good.tar.gz", kIo, "404");
    fs::remove(part);
    const Outcome endless =
        fqt_program({"data", "get", "wikitext-2", "--dir", folder.path(), "--url", server.url("endless"), "--quiet"});
    CHECK(endless.exit_code == kIo);
    CHECK(contains(endless.err, "more than 10000000 bytes"));
  }
  SUBCASE("Ctrl-C leaves the part") {
    Process process(get(server, folder, "stall/good.tar.gz", "good.tar.gz"));
    REQUIRE(wait_for([&] { return fs::exists(part) && fs::file_size(part) > 0; }));
    process.signal(SIGINT);
    CHECK(process.wait().exit_code == kInterrupted);
    CHECK(fs::exists(part));
  }
}

TEST_CASE("fqt data get: offline, and what cannot be had") {
  const TemporaryFolder folder;
  const Outcome offline =
      fqt_program({"data", "get", "cifar100", "--dir", folder.path(), "--url", "http://127.0.0.1:1/cifar.tar.gz"});
  CHECK(offline.exit_code == kIo);
  CHECK(contains(offline.err, "is this machine online?"));
  const Outcome licensed = fqt_program({"data", "get", "ptb", "--dir", folder.path()});
  CHECK(licensed.exit_code == kUsage);
  CHECK(contains(licensed.err, "licensed"));
  CHECK(contains(licensed.err, "wikitext-103"));
  CHECK(fqt_program({"data", "get", "cifar10", "--dir", folder.path(), "--url", "file:///etc/passwd"}).exit_code ==
        kIo);
}

TEST_CASE("fqt data make, verify, list: what is written is found and read") {
  const TemporaryFolder folder;
  const auto make = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"data", "make"});
    const Outcome outcome = fqt_program(arguments, {}, folder.path());
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 0);
  };
  make({"shapes", "batches", "--train", "50", "--test", "10"});
  make({"shapes", "pictures", "--side", "40", "--train", "20", "--test", "10"});
  make({"grammar", "sentences", "--train", "300", "--test", "100"});

  const Outcome list = fqt_program({"data", "list"}, {}, folder.path());
  CHECK(contains(list.out, "cifar10        batches\n"));
  CHECK(contains(list.out, "images         pictures\n"));
  CHECK(contains(list.out, "ptb            sentences\n"));
  CHECK(contains(list.out, "grammar "));
  CHECK(contains(fqt_program({"data", "list", "--json"}, {{"FQT_DATA", folder.path()}}).out,
                 "{\"path\":\"" + (folder / "pictures") + "\",\"kind\":\"images\"}"));

  const auto verify = [&](const std::string& path) { return fqt_program({"data", "verify", path}, {}, folder.path()); };
  CHECK(contains(verify("batches").out, "50 images"));
  CHECK(contains(verify("pictures").out, "20 images"));
  CHECK(contains(verify("sentences").out, "20,400 tokens"));
  CHECK(contains(verify("grammar").out, "entropy 2.2338"));

  CHECK(fqt_program({"data", "make", "shapes", "batches"}, {}, folder.path()).exit_code == kUsage);
  CHECK(fqt_program({"data", "make", "ptb", "new"}, {}, folder.path()).exit_code == kUsage);
  CHECK_FALSE(fs::exists(folder / "new"));
  write(folder / "pictures/train/3_triangle/000003.png", "broken");
  const Outcome broken = verify("pictures");
  CHECK(broken.exit_code == kData);
  CHECK(contains(broken.err, "000003.png is neither PNG nor JPEG"));
}
