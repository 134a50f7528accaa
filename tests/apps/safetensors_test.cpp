#include "trainer/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>

#include "apps/process.h"
#include "engine/check.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

/// A file of this header and so many bytes of values, each 0.
std::string safetensors_file(const std::string& header, size_t value_bytes) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(value_bytes, '\0');
}

std::string tensor(const std::string& name, const std::string& shape, int begin, int end) {
  return "\"" + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

/// The message of the Error(data) that reading these bytes gives.
std::string safetensors_error(const std::string& bytes) {
  const TemporaryFolder folder;
  write(folder / "w", bytes);
  try {
    read_safetensors(folder / "w");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("safetensors: what is written is read, bit for bit and in order") {
  const TemporaryFolder folder;
  TensorFile file;
  file.tensors.push_back({"z.weight", Tensor({2, 3}, std::vector<float>{1, -0.0f, 1e-42f, 3, 4, 5})});
  file.tensors.push_back({"a \"quoted\" name", Tensor::scalar(7)});
  file.tensors.push_back({"empty", Tensor(Shape{0, 4})});
  file.metadata = {{"step", "12"}};
  write_safetensors(folder / "w", file);
  const TensorFile again = read_safetensors(folder / "w");
  REQUIRE(again.tensors.size() == 3);
  CHECK(again.metadata == file.metadata);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(again.tensors[i].name == file.tensors[i].name);
    CHECK(again.tensors[i].tensor.shape() == file.tensors[i].tensor.shape());
    const Tensor &a = file.tensors[i].tensor, &b = again.tensors[i].tensor;
    CHECK(std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0);
  }
  uint64_t length = 0;
  std::memcpy(&length, read(folder / "w").data(), 8);
  CHECK(length % 8 == 0);
}

TEST_CASE("safetensors: a file cut off anywhere is an error") {
  const TemporaryFolder folder;
  write_safetensors(folder / "w", {{{"a", Tensor::full({3}, 1)}, {"b", Tensor::full({1, 2}, 2)}}, {{"step", "1"}}});
  const std::string whole = read(folder / "w");
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(safetensors_error(whole.substr(0, length)) != "no error");
  }
  CHECK(safetensors_error(whole) == "no error");
  CHECK(contains(safetensors_error(whole + "x"), "the tensors end at byte 20, but 21 bytes follow the header"));
}

TEST_CASE("safetensors: every byte of a header may be wrong without harm") {
  const TemporaryFolder folder;
  write_safetensors(folder / "w", {{{"a", Tensor::full({3}, 1)}, {"b", Tensor::full({1, 2}, 2)}}, {{"step", "1"}}});
  const std::string whole = read(folder / "w");
  for (size_t at = 0; at + 20 < whole.size(); ++at) {
    for (const char wrong : {'\0', '9', '"', '}', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = wrong;
      safetensors_error(bytes);  // an Error(data) or a valid file, never anything else
    }
  }
}

TEST_CASE("safetensors: lies about lengths and offsets") {
  CHECK(contains(safetensors_error(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)), "but 2 follow"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[2]", 0, 12) + "}", 8)),
                 "has bytes 0 to 12, but 8"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[2]", 8, 0) + "}", 8)), "has bytes 8 to 0"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[3]", 0, 8) + "}", 8)),
                 "more values than the file holds"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[1]", 0, 8) + "}", 8)),
                 "has 8 bytes, expected 4"));
  CHECK(contains(
      safetensors_error(safetensors_file("{" + tensor("a", "[2]", 0, 8) + "," + tensor("b", "[2]", 4, 12) + "}", 12)),
      "'b' begins at byte 4, expected 8"));  // they overlap
  CHECK(contains(
      safetensors_error(safetensors_file("{" + tensor("a", "[1]", 0, 4) + "," + tensor("b", "[1]", 8, 12) + "}", 12)),
      "'b' begins at byte 8, expected 4"));  // a hole
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[1]", 0, 4) + "}", 8)), "end at byte 4, but 8"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[-2]", 0, 8) + "}", 8)), "whole numbers"));
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[2.0]", 0, 8) + "}", 8)), "whole numbers"));
  // 2^32 * 2^32 values: their number overflows 64 bits to 0, which would fit 0 bytes
  CHECK(contains(safetensors_error(safetensors_file("{" + tensor("a", "[4294967296,4294967296]", 0, 0) + "}", 0)),
                 "more values"));
}

TEST_CASE("safetensors: headers that are something else") {
  CHECK(contains(safetensors_error("PK\x03\x04"), "fewer than a header"));
  CHECK(contains(safetensors_error(safetensors_file("", 0)), "does not begin with '{'"));
  CHECK(contains(safetensors_error(safetensors_file("[]", 0)), "does not begin with '{'"));
  CHECK(contains(safetensors_error(safetensors_file("{\"a\":", 0)), "not JSON"));
  CHECK(contains(safetensors_error(safetensors_file("{\"a\":1}", 0)), "does not have dtype, shape and data_offsets"));
  CHECK(contains(safetensors_error(safetensors_file(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4)),
                 "'a' has dtype \"F16\", expected \"F32\""));
  CHECK(contains(safetensors_error(safetensors_file(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8)),
                 "shape is not"));
  CHECK(contains(safetensors_error(safetensors_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8)),
                 "data_offsets is"));
  CHECK(contains(safetensors_error(safetensors_file(R"({"__metadata__":{"step":1}})", 0)), "__metadata__"));
  CHECK(contains(
      safetensors_error(safetensors_file("{" + tensor("a", "[1]", 0, 4) + "," + tensor("a", "[1]", 0, 4) + "}", 4)),
      "holds 'a' twice"));
  CHECK(safetensors_error(safetensors_file(std::string(100'000, '{'), 0)) !=
        "no error");  // deep, but no deeper than the stack
  CHECK(safetensors_error(safetensors_file("{}", 0)) == "no error");
}
