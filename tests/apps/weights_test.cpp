#include "trainer/weights.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "apps/process.h"
#include "engine/check.h"
#include "layers/batch_norm.h"
#include "layers/linear.h"
#include "models/zoo.h"
#include "trainer/safetensors.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;

namespace {

layers::Linear linear(const std::string& name, int64_t outputs) {
  return layers::Linear(name, {.in_features = 2, .out_features = outputs});
}

std::string weights_error(const std::string& path, layers::Module& model) {
  try {
    load_weights(path, model);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    return error.what();
  }
  return "no error";
}

/// A model of every kind that reads images.
constexpr const char* kImageModels[] = {"alexnet", "resnet8", "resnet18", "mobilenet_v2_0.5", "custom_a"};

/// Everything PyTorch knows: running ranges are not among it.
std::vector<layers::NamedBuffer> exported_tensors(layers::Module& model) {
  std::vector<layers::NamedBuffer> all;
  for (Parameter* parameter : model.parameters()) all.push_back({parameter->name, &parameter->value});
  for (const layers::NamedBuffer& buffer : model.buffers())
    if (!buffer.name.ends_with("_range")) all.push_back(buffer);
  return all;
}

/// Makes every buffer differ from what it starts at, and from the next.
void stir_buffers(layers::Module& model, float value) {
  for (const layers::NamedBuffer& buffer : model.buffers())
    for (float& element : buffer.tensor->values()) element = value += 0.25f;
}

using Shapes = std::map<std::string, Shape>;

/// tests/golden/torchvision_state.txt: lines of a model, a tensor's name and its extents.
Shapes torchvision_shapes(const std::string& model) {
  std::ifstream file(FQT_SOURCE_DIR "/tests/golden/torchvision_state.txt");
  Shapes shapes;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string of, name;
    fields >> of >> name;
    if (of != model) continue;
    for (int64_t extent = 0; fields >> extent;) shapes[name].push_back(extent);
  }
  return shapes;
}

/// One tensor of a file that PyTorch could have written.
struct Entry {
  std::string name, dtype, shape;
  size_t bytes;
};

void write_entries(const std::string& path, const std::vector<Entry>& entries) {
  std::string header;
  size_t position = 0;
  for (const Entry& entry : entries) {
    header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", header.empty() ? "{" : ",",
                          entry.name, entry.dtype, entry.shape, position, position + entry.bytes);
    position += entry.bytes;
  }
  header += "}";
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  write(path, bytes + header + std::string(position, '\0'));
}

const std::vector<Entry> kBatchNorm{{"bn.weight", "F32", "[2]", 8},
                                    {"bn.bias", "F32", "[2]", 8},
                                    {"bn.running_mean", "F32", "[2]", 8},
                                    {"bn.running_var", "F32", "[2]", 8},
                                    {"bn.num_batches_tracked", "I64", "[]", 8}};

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
  const std::string shapes = weights_error(folder / "w", wider);
  CHECK(contains(shapes, "'fc.weight' has shape [2, 3], the model expects [2, 4]"));
  CHECK(contains(shapes, "'fc.bias' has shape [3], the model expects [4]"));
  const std::string names = weights_error(folder / "w", other);
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
  CHECK(contains(weights_error(folder / "w", b), "tensor 'fc.bias' holds nan at index 2"));
  a.parameters().at(0)->value.data()[0] = std::numeric_limits<float>::infinity();
  save_weights(folder / "w", a, 0);
  CHECK(contains(weights_error(folder / "w", b), "tensor 'fc.weight' holds inf at index 0"));
  CHECK(layers::weights_hash(b) == before);
}

TEST_CASE("weights: every image model comes back from PyTorch's layout, bit for bit") {
  for (const models::ModelKind& kind : models::model_kinds()) {
    CAPTURE(kind.name);
    CHECK((kind.input != models::ModelInput::images ||
           std::ranges::any_of(kImageModels, [&](const char* model) { return kind.matches(model); })));
  }
  for (const char* name : kImageModels) {
    CAPTURE(name);
    const TemporaryFolder folder;
    const auto a = models::build_model(name, {}), b = models::build_model(name, {});
    layers::initialize(*a, 1);
    layers::initialize(*b, 2);
    stir_buffers(*a, 1);
    stir_buffers(*b, 2);
    const auto ranges = [](layers::Module& model) {
      std::vector<float> all;
      for (const layers::NamedBuffer& buffer : model.buffers())
        if (buffer.name.ends_with("_range")) all.insert(all.end(), buffer.tensor->data(), buffer.tensor->data() + 2);
      return all;
    };
    const std::vector<float> before = ranges(*b);
    export_weights(folder / "w", *a);
    CHECK(load_weights(folder / "w", *b) == 0);
    const auto theirs = exported_tensors(*a), ours = exported_tensors(*b);
    REQUIRE(ours.size() == theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      CAPTURE(ours[i].name);
      CHECK(ours[i].name == theirs[i].name);
      CHECK(std::memcmp(ours[i].tensor->data(), theirs[i].tensor->data(), theirs[i].tensor->values().size_bytes()) ==
            0);
    }
    CHECK(ranges(*b) == before);
  }
}

TEST_CASE("weights: names and shapes are torchvision's, all of them and no others") {
  for (const char* name : {"resnet18", "resnet34", "resnet50", "mobilenet_v2"}) {
    CAPTURE(name);
    const TemporaryFolder folder;
    const auto model = models::build_model(name, {.classes = 1000});
    for (Parameter* parameter : model->parameters()) std::ranges::fill(parameter->value.values(), 0.0f);
    export_weights(folder / "w", *model);
    Shapes shapes;
    for (const NamedTensor& tensor : read_safetensors(folder / "w").tensors)
      shapes[tensor.name] = tensor.tensor.shape();
    const Shapes expected = torchvision_shapes(name);
    CHECK(expected.size() > 100);
    CHECK(shapes == expected);
  }
}

TEST_CASE("weights: PyTorch's counters of batches are passed over") {
  const TemporaryFolder folder;
  layers::BatchNorm norm("bn", 2);
  layers::initialize(norm, 1);
  write_entries(folder / "w", kBatchNorm);
  CHECK(load_weights(folder / "w", norm) == 0);
  for (const layers::NamedBuffer& tensor : exported_tensors(norm)) {
    CAPTURE(tensor.name);
    CHECK(std::ranges::all_of(tensor.tensor->values(), [](float value) { return value == 0; }));
  }
}

TEST_CASE("weights: a file from PyTorch that does not fit has all that is wrong listed, and nothing is loaded") {
  const TemporaryFolder folder;
  layers::BatchNorm norm("bn", 2);
  layers::initialize(norm, 1);
  const uint64_t before = layers::weights_hash(norm);
  std::vector<Entry> entries = kBatchNorm;
  entries[0] = {"bn.weight", "F32", "[1,2]", 8};
  entries[1].name = "bn.gain";
  entries.push_back({"bn.steps", "I64", "[3]", 24});
  write_entries(folder / "w", entries);
  const std::string error = weights_error(folder / "w", norm);
  for (const char* part : {"'bn.weight' has shape [1, 2], the model expects [2]", "'bn.bias' is missing",
                           "'bn.gain' is unknown to the model", "'bn.steps' holds whole numbers"}) {
    CAPTURE(part);
    CHECK(contains(error, part));
  }
  CHECK_FALSE(contains(error, "num_batches_tracked"));
  CHECK(layers::weights_hash(norm) == before);
  // A tensor that has to be F32 and is not, is missing as well.
  entries = kBatchNorm;
  entries[2] = {"bn.running_mean", "I64", "[2]", 16};
  write_entries(folder / "w", entries);
  const std::string whole = weights_error(folder / "w", norm);
  CHECK(contains(whole, "'bn.running_mean' is missing"));
  CHECK(contains(whole, "'bn.running_mean' holds whole numbers"));
}

TEST_CASE("weights: fqt export writes what fqt train starts from") {
  const TemporaryFolder folder;
  const auto train = [&](const std::string& model, const std::string& out, std::vector<std::string> more) {
    more.insert(more.begin(), {"train", model, "--steps", "1", "--batch", "2", "--set", "eval.images=1", "--quiet",
                               "--out", folder / out});
    return fqt_program(more);
  };
  REQUIRE(train("resnet8", "a", {"--seed", "1"}).exit_code == 0);
  const Outcome exported = fqt_program({"export", folder / "a", "-o", folder / "a.safetensors"});
  CAPTURE(exported.err);
  REQUIRE(exported.exit_code == 0);
  CHECK(contains(exported.out, "resnet8 after 1 steps, under PyTorch's names and layouts"));

  // Trained on at a rate of 0, parameters stay and running statistics move.
  const std::vector<std::string> from{"--seed", "2", "--weights", folder / "a.safetensors", "--set", "learning_rate=0"};
  REQUIRE(train("resnet8", "b", from).exit_code == 0);
  REQUIRE(fqt_program({"export", folder / "b", "-o", folder / "b.safetensors"}).exit_code == 0);
  const TensorFile a = read_safetensors(folder / "a.safetensors"), b = read_safetensors(folder / "b.safetensors");
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    CAPTURE(a.tensors[i].name);
    CHECK(a.tensors[i].name == b.tensors[i].name);
    const bool same = std::ranges::equal(a.tensors[i].tensor.values(), b.tensors[i].tensor.values());
    CHECK(same != contains(a.tensors[i].name, ".running_"));
  }

  const Outcome other = train("resnet14", "c", from);
  CHECK(other.exit_code == 65);
  CHECK(contains(other.err, "'stage1.block1.conv1.weight' is missing"));
}
