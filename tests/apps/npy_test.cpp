#include "trainer/npy.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

/// A file of this header, as version `major`.0, and these bytes behind it.
std::string npy_file(const std::string& header, const std::string& values, int major = 1) {
  const uint32_t length = static_cast<uint32_t>(header.size());
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  bytes.append(reinterpret_cast<const char*>(&length), major == 1 ? 2 : 4);
  return bytes + header + values;
}

std::string header_of(const std::string& dtype, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + dtype + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

Tensor read_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  write(folder / "x.npy", bytes);
  return read_npy(folder / "x.npy");
}

std::vector<float> values_of(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

/// The message of the Error(data) that reading these bytes gives.
std::string npy_error(const std::string& bytes) {
  try {
    read_bytes(bytes);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    CHECK(contains(error.what(), "x.npy: "));
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("npy: what is written is read, bit for bit") {
  const TemporaryFolder folder;
  const std::vector<float> values{1, -0.0f, 1e-42f, 3.4e38f, 4, 5};
  for (const Shape& shape : {Shape{6}, Shape{2, 3}, Shape{1, 2, 1, 3}}) {
    write_npy<float>(folder / "x.npy", shape, values);
    const Tensor again = read_npy(folder / "x.npy");
    CHECK(again.shape() == shape);
    CHECK(std::memcmp(again.data(), values.data(), 24) == 0);
    CHECK((read(folder / "x.npy").size() - 24) % 64 == 0);  // values are aligned where the file is mapped
  }
  write_npy<float>(folder / "x.npy", {}, std::vector<float>{7});
  CHECK(read_npy(folder / "x.npy").item() == 7);
  CHECK(read_npy(folder / "x.npy").rank() == 0);
  write_npy<float>(folder / "x.npy", {0, 3}, {});
  CHECK(read_npy(folder / "x.npy").shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(write_npy<float>(folder / "x.npy", {5}, values), doctest::Contains("do not fill"), Error);
}

TEST_CASE("npy: files are those of numpy.save") {
  const TemporaryFolder folder;
  write_npy<int8_t>(folder / "x.npy", {2, 2}, std::vector<int8_t>{-8, 0, 3, 7});
  const std::string bytes = read(folder / "x.npy");
  CHECK(bytes.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(bytes.substr(10, 61) == "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }  ");
  CHECK(bytes.substr(127) == std::string("\n\xf8\x00\x03\x07", 5));
  write_npy<int16_t>(folder / "x.npy", {1}, std::vector<int16_t>{-32768});
  CHECK(contains(read(folder / "x.npy"), "'descr': '<i2', 'fortran_order': False, 'shape': (1,), }"));
  write_npy<int32_t>(folder / "x.npy", {}, std::vector<int32_t>{-8});
  CHECK(contains(read(folder / "x.npy"), "'descr': '<i4', 'fortran_order': False, 'shape': (), }"));
}

TEST_CASE("npy: all versions, both orders, any layout of the header") {
  const std::string values = bytes_of<float>({1, 2, 3, 4, 5, 6});
  for (const int major : {1, 2, 3})
    CHECK(values_of(read_bytes(npy_file(header_of("<f4", "(2, 3)"), values, major))) ==
          std::vector<float>{1, 2, 3, 4, 5, 6});
  // Columns one after the other: [[1, 3, 5], [2, 4, 6]].
  CHECK(values_of(read_bytes(npy_file(header_of("<f4", "(2, 3)", "True"), values))) ==
        std::vector<float>{1, 3, 5, 2, 4, 6});
  // Element (i, j, k) of [1, 3, 2] lies at i + j + 3 k.
  CHECK(values_of(read_bytes(npy_file(header_of("<f4", "(1, 3, 2)", "True"), values))) ==
        std::vector<float>{1, 4, 2, 5, 3, 6});
  CHECK(read_bytes(npy_file(header_of("<f4", "(3, 0)", "True"), "")).shape() == Shape{3, 0});
  CHECK(read_bytes(npy_file(R"({"shape":(6),"descr":"<f4","fortran_order":False})", values)).shape() == Shape{6});
}

TEST_CASE("npy: float64 is rounded to float32, and may not overflow") {
  const std::string header = header_of("<f8", "(3,)");
  CHECK(values_of(read_bytes(npy_file(header, bytes_of<double>({0.1, -1e300 * 0, 3.4028235e38})))) ==
        std::vector<float>{0.1f, -0.0f, 3.4028235e38f});
  CHECK(contains(npy_error(npy_file(header, bytes_of<double>({0, 0, -1e39}))),
                 "element 2 of the flattened array is -1e+39, beyond float32"));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(std::isinf(read_bytes(npy_file(header, bytes_of<double>({0, 0, infinity}))).data()[2]));
}

TEST_CASE("npy: words of noise") {
  const TemporaryFolder folder;
  const std::vector<uint16_t> words{0, 65535, 3, 4};
  write_npy<uint16_t>(folder / "x.npy", {2, 2}, words);
  CHECK(read_npy_words(folder / "x.npy") == words);
  CHECK(contains(npy_error(read(folder / "x.npy")), "its dtype is '<u2', expected '<f4' or '<f8'"));
  write(folder / "x.npy", npy_file(header_of("<f4", "(1,)"), "1234"));
  CHECK_THROWS_WITH_AS(read_npy_words(folder / "x.npy"), doctest::Contains("its dtype is '<f4', expected '<u2'"),
                       Error);
}

TEST_CASE("npy: a file cut off anywhere is an error, and so is one that goes on") {
  for (const int major : {1, 2}) {
    const std::string whole = npy_file(header_of("<f4", "(3,)"), bytes_of<float>({1, 2, 3}), major);
    for (size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(npy_error(whole.substr(0, length)) != "no error");
    }
    CHECK(npy_error(whole) == "no error");
    CHECK(contains(npy_error(whole.substr(0, whole.size() - 1)), "shape [3] of '<f4' takes 12 bytes, but 11 follow"));
    CHECK(contains(npy_error(whole + "x"), "takes 12 bytes, but 13 follow"));
  }
}

TEST_CASE("npy: every byte of a header may be wrong without harm") {
  const std::string whole = npy_file(header_of("<f4", "(3, 1)"), bytes_of<float>({1, 2, 3}));
  for (size_t at = 0; at + 12 < whole.size(); ++at)
    for (const char wrong : {'\0', '9', '\'', ')', '}', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = wrong;
      npy_error(bytes);  // an Error(data) or a valid file, never anything else
    }
}

TEST_CASE("npy: lies about shapes") {
  // 2^32 * 2^32 elements: their number overflows 64 bits to 0, which would fit 0 bytes.
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(4294967296, 4294967296)"), "")), "more elements than any file"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(0, 4294967296, 4294967296)"), "")), "more elements than any"));
  CHECK(contains(npy_error(npy_file(header_of("<f8", "(2305843009213693952,)"), "")), "more elements than any file"));
  CHECK(
      contains(npy_error(npy_file(header_of("<f4", "(1000000000,)"), "1234")), "takes 4000000000 bytes, but 4 follow"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(99999999999999999999,)"), "")), "other than whole numbers"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(-1,)"), "")), "other than whole numbers"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(1.5,)"), "123456")), "a ')' is missing"));
  std::string ones = "(";
  for (int i = 0; i < 65; ++i) ones += "1,";
  CHECK(contains(npy_error(npy_file(header_of("<f4", ones + ")"), "1234")), "more than 64 axes"));
}

TEST_CASE("npy: files and dtypes that are something else") {
  CHECK(contains(npy_error("hello"), "this is not a .npy file; write one with numpy.save"));
  CHECK(contains(npy_error("PK\x03\x04"), "an .npz perhaps"));
  CHECK(contains(npy_error(npy_file("", "", 4)), "format version 4.0 is not known"));
  CHECK(contains(npy_error(npy_file(header_of(">f4", "(1,)"), "1234")),
                 "it is big-endian ('>f4'), expected '<f4' or '<f8'; convert it with x.astype('<f4')"));
  CHECK(contains(npy_error(npy_file(header_of("|O", "(1,)"), "1234")), "it holds Python objects ('|O')"));
  CHECK(contains(npy_error(npy_file(header_of("<i8", "(1,)"), "12345678")),
                 "its dtype is '<i8', expected '<f4' or '<f8'"));
  CHECK(contains(npy_error(npy_file(header_of(std::string(500, '\x01'), "(1,)"), "1234")), "its dtype is '????"));
  CHECK(contains(npy_error(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")),
                 "records of several fields"));
  CHECK(contains(npy_error(npy_file("{'descr': '<f4'}", "")), "does not give descr, fortran_order and shape"));
  CHECK(contains(npy_error(npy_file("{'descr': '<f4', 'descr': '<f4'}", "")), "'descr' is unknown or there twice"));
  CHECK(contains(npy_error(npy_file("{'colour': '<f4'}", "")), "'colour' is unknown"));
  CHECK(contains(npy_error(npy_file("[]", "")), "a '{' is missing"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(1,)", "0"), "1234")), "neither True nor False"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "(1,)") + "x", "1234")), "something follows"));
  CHECK(contains(npy_error(npy_file(header_of("<f4", "()") + std::string(70'000, ' '), "1234", 2)), "more than 65536"));
}

TEST_CASE("npy: a file that does not exist is missing") {
  const TemporaryFolder folder;
  try {
    read_npy(folder / "none.npy");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::missing);
  }
}
