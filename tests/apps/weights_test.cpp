#include "trainer/weights.h"

#include <doctest/doctest.h>

#include <limits>

#include "apps/process.h"
#include "engine/check.h"
#include "layers/linear.h"
#include "trainer/safetensors.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

layers::Linear linear(const std::string& name, int64_t outputs) {
  return layers::Linear(name, {.in_features = 2, .out_features = outputs});
}

std::string error_of(const std::string& path, layers::Module& model) {
  try {
    load_weights(path, model);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("weights: a model's whole state comes back, and the step") {
  const TemporaryFolder folder;
  layers::Linear a = linear("fc", 3), b = linear("fc", 3);
  layers::initialize(a, 1);
  layers::initialize(b, 2);
  a.buffers().front().tensor->values()[1] = 5;  // the running range
  CHECK(layers::weights_hash(a) != layers::weights_hash(b));
  save_weights(folder / "w", a, 42);
  CHECK(load_weights(folder / "w", b) == 42);
  CHECK(layers::weights_hash(a) == layers::weights_hash(b));
}

TEST_CASE("weights: every tensor that does not fit is listed") {
  const TemporaryFolder folder;
  layers::Linear saved = linear("fc", 3), wider = linear("fc", 4), other = linear("head", 3);
  layers::initialize(saved, 1);
  save_weights(folder / "w", saved, 0);
  const std::string shapes = error_of(folder / "w", wider);
  CHECK(contains(shapes, "'fc.weight' has shape [2, 3], the model expects [2, 4]"));
  CHECK(contains(shapes, "'fc.bias' has shape [3], the model expects [4]"));
  const std::string names = error_of(folder / "w", other);
  for (const char* part : {"'head.weight' is missing", "'head.bias' is missing", "'fc.weight' is unknown to the model",
                           "'fc.bias' is unknown to the model"})
    CHECK(contains(names, part));
}

TEST_CASE("weights: NaN and infinity are errors that name the tensor, and nothing is loaded") {
  const TemporaryFolder folder;
  layers::Linear a = linear("fc", 3), b = linear("fc", 3);
  layers::initialize(a, 1);
  layers::initialize(b, 2);
  const uint64_t before = layers::weights_hash(b);
  a.parameters().at(1)->value.data()[2] = std::numeric_limits<float>::quiet_NaN();
  save_weights(folder / "w", a, 0);
  CHECK(contains(error_of(folder / "w", b), "tensor 'fc.bias' holds nan at index 2"));
  a.parameters().at(0)->value.data()[0] = std::numeric_limits<float>::infinity();
  save_weights(folder / "w", a, 0);
  CHECK(contains(error_of(folder / "w", b), "tensor 'fc.weight' holds inf at index 0"));
  CHECK(layers::weights_hash(b) == before);
}
