#include "data/open.h"

#include <doctest/doctest.h>

#include "cifar_files.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::data;
using namespace fqt::test;

TEST_CASE("open_images: every built-in kind opens by its name and reads") {
  for (const DataKind& kind : data_kinds()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.description.empty());
    CHECK(kind.built_in == (kind.recognises == nullptr));
    if (!kind.built_in) continue;
    const ImageData data = open_images(std::string(kind.name), {});
    for (const ImageDataset* set : {data.train.get(), data.test.get()}) {
      std::vector<uint8_t> pixels(static_cast<size_t>(set->height() * set->width() * set->channels()));
      const int32_t label = set->read(set->size() - 1, pixels);
      CHECK(label >= 0);
      CHECK(label < set->classes());
    }
    CHECK(data.normalization.mean.size() == static_cast<size_t>(data.train->channels()));
    CHECK(data.train->hash() != data.test->hash());
  }
}

TEST_CASE("open_images: a folder is recognised by its files") {
  const TemporaryFolder folder;
  write_small_cifar(folder.path());
  CHECK(open_images(folder.path(), {}).train->name() == "cifar10/train");
}

TEST_CASE("open_images: what does not exist is missing, and the message says what does") {
  try {
    open_images("no/such/folder", {});
    FAIL("no error");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.kind() == ErrorKind::missing);
    CHECK(message.find("no/such/folder") != std::string::npos);
    CHECK(message.find("shapes") != std::string::npos);
  }
}

TEST_CASE("open_images: a path that holds something else is malformed, and the message says what was looked for") {
  const TemporaryFolder folder;
  write_file(folder.path("notes.txt"), {'a'});
  for (const std::string& path : {folder.path(), folder.path("notes.txt")}) {
    CAPTURE(path);
    try {
      open_images(path, {});
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      CHECK(std::string(error.what()).find("data_batch_1.bin") != std::string::npos);
    }
  }
}
