#include "data/open.h"

#include <doctest/doctest.h>

#include "data_files.h"

using namespace fqt;
using namespace fqt::data;
using namespace fqt::test;

TEST_CASE("open_data: every built-in kind opens by its name and reads") {
  for (const DataKind& kind : data_kinds()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.description.empty());
    CHECK(kind.built_in == (kind.recognises == nullptr));
    if (!kind.built_in) continue;
    const Data data = open_data(std::string(kind.name), {});
    CHECK(data.name() == kind.name);
    CHECK((data.images() == nullptr) != (data.text() == nullptr));
    if (const ImageData* images = data.images()) {
      for (const ImageDataset* set : {images->train.get(), images->test.get()}) {
        std::vector<uint8_t> pixels(static_cast<size_t>(set->height() * set->width() * set->channels()));
        const int32_t label = set->read(set->size() - 1, pixels);
        CHECK(label >= 0);
        CHECK(label < set->classes());
      }
      CHECK(images->normalization.mean.size() == static_cast<size_t>(images->train->channels()));
      CHECK(images->train->hash() != images->test->hash());
    }
    if (const TextData* text = data.text()) {
      for (const TokenStream* stream : {text->train.get(), text->valid.get(), text->test.get()}) {
        std::vector<int32_t> tokens(100);
        stream->read(stream->size() - 100, tokens);
        for (const int32_t token : tokens) CHECK_FALSE(text->vocabulary.word(token).empty());
      }
      CHECK(text->train->hash() != text->test->hash());
      CHECK(text->valid->hash() != text->test->hash());
    }
  }
}

TEST_CASE("open_images: text is not images") {
  CHECK(failure_of([] { open_images("grammar", {}); }).kind == ErrorKind::usage);
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
  write_text(folder.path("notes.doc"), "a");
  for (const std::string& path : {folder.path(), folder.path("notes.doc")}) {
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
