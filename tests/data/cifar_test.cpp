#include "data/cifar.h"

#include <doctest/doctest.h>

#include <array>

#include "data_files.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::data;
using namespace fqt::test;

namespace {

Failure cifar_failure(const std::string& folder) {
  return failure_of([&] { open_cifar10(folder, {}); });
}

}  // namespace

TEST_CASE("cifar: planes become pixels of three channels") {
  const TemporaryFolder folder;
  std::vector<uint8_t> record = {7};
  for (int i = 0; i < 3072; ++i) record.push_back(static_cast<uint8_t>(i % 251));
  write_file(folder.path("batch.bin"), record);
  const CifarDataset dataset("one", {folder.path("batch.bin")});
  REQUIRE(dataset.size() == 1);
  std::vector<uint8_t> pixels(3072);
  CHECK(dataset.read(0, pixels) == 7);
  CHECK(pixels[0] == 0);                           // red of the first pixel: byte 0 of the planes
  CHECK(pixels[1] == 1024 % 251);                  // its green: byte 1024
  CHECK(pixels[2] == 2048 % 251);                  // its blue: byte 2048
  CHECK(pixels[3 * 33 + 1] == (1024 + 33) % 251);  // green of row 1, column 1
  CHECK_THROWS_AS(dataset.read(1, pixels), Error);
  CHECK_THROWS_AS(dataset.read(-1, pixels), Error);
}

TEST_CASE("cifar: a folder is opened by its path or its parent's") {
  const TemporaryFolder parent;
  const std::string folder = parent.path("cifar-10-batches-bin");
  write_small_cifar(folder);
  CHECK(recognises_cifar10(folder));
  CHECK(recognises_cifar10(parent.path()));
  const ImageData data = open_cifar10(folder, {});
  CHECK(data.train->size() == 5);
  CHECK(data.test->size() == 1);
  CHECK(data.augment);
  std::vector<uint8_t> pixels(3072);
  CHECK(data.train->read(3, pixels) == 3);  // files in order
  CHECK(pixels[5] == 32);
  CHECK(data.test->read(0, pixels) == 5);
  CHECK(open_cifar10(parent.path(), {.seed = 2}).train->hash() == data.train->hash());
}

TEST_CASE("cifar: the hash tells labels and pixels apart") {
  const TemporaryFolder folder;
  const auto hash = [&](uint8_t label, uint8_t red) {
    write_file(folder.path("a.bin"), cifar_record(label, red));
    return CifarDataset("a", {folder.path("a.bin")}).hash();
  };
  CHECK(hash(1, 5) == hash(1, 5));
  CHECK(hash(1, 5) != hash(2, 5));
  CHECK(hash(1, 5) != hash(1, 6));
}

TEST_CASE("cifar: a missing file is named") {
  const TemporaryFolder folder;
  write_small_cifar(folder.path());
  std::filesystem::remove(folder.path("data_batch_4.bin"));
  const Failure failure = cifar_failure(folder.path());
  CHECK(failure.kind == ErrorKind::missing);
  CHECK(failure.says(folder.path("data_batch_4.bin") + " does not exist"));
}

TEST_CASE("cifar: files that are not made of whole records are refused") {
  const TemporaryFolder folder;
  const std::string file = folder.path("data_batch_2.bin");
  const auto failing = [&](const std::vector<uint8_t>& bytes) {
    write_small_cifar(folder.path());
    write_file(file, bytes);
    return cifar_failure(folder.path());
  };
  SUBCASE("cut off: two records less one byte") {
    const Failure failure = failing(std::vector<uint8_t>(2 * 3073 - 1));
    CHECK(failure.kind == ErrorKind::data);
    CHECK(failure.says(file + " holds 6145 bytes"));
    CHECK(failure.says("record 1, which begins at byte 3073"));
  }
  SUBCASE("empty") {
    const Failure failure = failing({});
    CHECK(failure.kind == ErrorKind::data);
    CHECK(failure.says(file + " holds 0 bytes"));
  }
  SUBCASE("a label of 10 in the second record") {
    std::vector<uint8_t> bytes = cifar_record(9, 0);
    const std::vector<uint8_t> wrong = cifar_record(10, 0);
    bytes.insert(bytes.end(), wrong.begin(), wrong.end());
    const Failure failure = failing(bytes);
    CHECK(failure.kind == ErrorKind::data);
    CHECK(failure.says(file + ": record 1 (byte 3073) has label 10"));
  }
  SUBCASE("a folder in place of the file") {
    write_small_cifar(folder.path());
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    const Failure failure = cifar_failure(folder.path());
    CHECK(failure.kind == ErrorKind::data);
    CHECK(failure.says(file + " is not a file"));
  }
  SUBCASE("far too large: refused before anything is allocated") {
    write_small_cifar(folder.path());
    std::filesystem::resize_file(file, 3073LL * 1000000000);  // a hole: takes no space
    CHECK(cifar_failure(folder.path()).kind == ErrorKind::data);
  }
}

TEST_CASE("cifar: CIFAR-100 has two labels, of which one is read") {
  const TemporaryFolder parent;
  const std::string folder = parent.path("cifar-100-binary");
  std::filesystem::create_directory(folder);
  const auto record = [](uint8_t coarse, uint8_t fine) {
    std::vector<uint8_t> bytes = cifar_record(fine, 40);
    bytes.insert(bytes.begin(), coarse);
    return bytes;
  };
  write_file(folder + "/train.bin", record(19, 99));
  write_file(folder + "/test.bin", record(3, 42));
  CHECK(open_data(folder, {}).name() == "cifar100");
  const ImageData fine = open_images(parent.path(), {}), coarse = open_images(folder, {.coarse = true});
  std::vector<uint8_t> pixels(3072);
  CHECK(fine.train->classes() == 100);
  CHECK(fine.train->read(0, pixels) == 99);
  CHECK(pixels[3 * 5 + 2] == 42);  // blue
  CHECK(coarse.train->classes() == 20);
  CHECK(coarse.test->read(0, pixels) == 3);
  CHECK(fine.train->hash() != coarse.train->hash());

  const auto message = [&] { return failure_of([&] { open_images(folder, {}); }); };
  write_file(folder + "/train.bin", record(20, 99));
  CHECK(message().says("labels go from 0 to 19"));
  write_file(folder + "/train.bin", record(0, 100));
  CHECK(message().says("labels go from 0 to 99"));
  write_file(folder + "/train.bin", cifar_record(1, 1));
  CHECK(message().says("train.bin holds 3073 bytes, expected one or more records of 3074"));
  std::filesystem::remove(folder + "/train.bin");
  CHECK(message().kind == ErrorKind::missing);
}

TEST_CASE("cifar: the real data, where it is at hand") {
  const std::string root = real_data();
  if (!recognises_cifar10(root)) {
    MESSAGE("skipped: no CIFAR-10 in " << root << "; set FQT_DATA to the folder of cifar-10-batches-bin");
    return;
  }
  const ImageData data = open_cifar10(root, {});
  const auto count_labels = [](const ImageDataset& dataset) {
    std::array<int64_t, 10> counts{};
    std::vector<uint8_t> pixels(3072);
    for (int64_t i = 0; i < dataset.size(); ++i) ++counts[static_cast<size_t>(dataset.read(i, pixels))];
    return counts;
  };
  for (const int64_t count : count_labels(*data.train)) CHECK(count == 5000);
  for (const int64_t count : count_labels(*data.test)) CHECK(count == 1000);
  // The published means of the channels hold only if planes and pixels are read in their places.
  std::array<int64_t, 3> sums{};
  std::vector<uint8_t> pixels(3072);
  for (int64_t i = 0; i < data.train->size(); ++i) {
    data.train->read(i, pixels);
    for (size_t p = 0; p < pixels.size(); ++p) sums[p % 3] += pixels[p];
  }
  for (size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sums[c]) / (255.0 * 50000 * 1024);
    CHECK(mean == doctest::Approx(data.normalization.mean[c]).epsilon(0.0002));
  }
}
