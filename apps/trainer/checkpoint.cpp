#include "trainer/checkpoint.h"

#include <map>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/seal.h"

namespace fqt::trainer {
namespace {

constexpr std::string_view kOptimizer = "optimizer/", kState = "state/";
constexpr const char* kFormat = "1";  ///< of what is in the file, beside safetensors

/// A tensor of a run, and what a file calls it.
struct StatePlace {
  std::string name;
  Tensor* tensor;
  bool may_be_missing = false;  ///< nothing has been seen yet
};

std::vector<StatePlace> places_of(layers::Module& model, optim::Optimizer& optimizer) {
  std::vector<StatePlace> places;
  for (Parameter* parameter : model.parameters()) places.push_back({parameter->name, &parameter->value});
  for (const layers::NamedBuffer& buffer : model.buffers()) places.push_back({buffer.name, buffer.tensor});
  for (const optim::NamedTensor& named : optimizer.state())
    places.push_back({std::string(kOptimizer) + named.name, named.tensor});
  for (const layers::NamedBuffer& state : model.states())
    places.push_back({std::string(kState) + state.name, state.tensor, true});
  return places;
}

Json to_json(const RunState& state) {
  return {{"step", state.step},           {"items", state.items},         {"seconds", state.seconds},
          {"losses", state.losses},       {"evaluated", state.evaluated}, {"best", state.best},
          {"overflows", state.overflows}, {"log_bytes", state.log_bytes}, {"probe_bytes", state.probe_bytes}};
}

/// Error(data) where it is no whole number, or a negative one.
int64_t count_under(const char* key, const Json& json, const std::string& path) {
  const Json& value = json.at(key);
  if (!value.is_number_integer() || value.get<int64_t>() < 0)
    fail(ErrorKind::data, "[checkpoint] {}: its metadata is not what fqt writes: {} is {}", path, key, to_text(value));
  return value;
}

RunState state_from(const Json& json, const std::string& path) {
  const auto count = [&](const char* key) { return count_under(key, json, path); };
  RunState state;
  state.step = count("step");
  state.items = count("items");
  state.seconds = json.at("seconds");
  state.losses = json.at("losses").get<std::vector<double>>();
  state.evaluated = count("evaluated");
  state.best = json.at("best");
  state.overflows = json.at("overflows");
  state.log_bytes = count("log_bytes");
  state.probe_bytes = count("probe_bytes");
  return state;
}

/// The text under a key of the metadata, or an empty one.
std::string text_of(const TensorFile& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? "" : found->second;
}

}  // namespace

bool is_training_state(const std::string& name) { return name.starts_with(kOptimizer) || name.starts_with(kState); }

void write_checkpoint(const std::string& path, layers::Module& model, optim::Optimizer& optimizer,
                      const RunState& state, const Json& identity) {
  TensorFile file;
  for (const StatePlace& place : places_of(model, optimizer))
    if (place.tensor->defined()) file.tensors.push_back({place.name, *place.tensor});
  file.metadata = {{"format", "fqt"},
                   {"checkpoint_format", kFormat},
                   {"step", std::to_string(state.step)},
                   {"weights_hash", to_hex(layers::weights_hash(model))},
                   {"state", to_text(to_json(state))},
                   {"identity", to_text(identity)}};
  seal(file);
  write_safetensors(path, file);
}

Checkpoint read_checkpoint(const std::string& path) { return to_checkpoint(path, read_safetensors(path)); }

Checkpoint to_checkpoint(const std::string& path, TensorFile file) {
  Checkpoint checkpoint{path, std::move(file), {}, {}};
  const std::string format = text_of(checkpoint.file, "checkpoint_format");
  if (format.empty()) fail(ErrorKind::data, "[checkpoint] {} is no checkpoint of fqt", path);
  if (!is_whole(checkpoint.file))
    fail(ErrorKind::data, "[checkpoint] {}: what it holds does not match its hash; the file is damaged", path);
  if (format != kFormat)
    fail(ErrorKind::data, "[checkpoint] {} has format {}, and this fqt reads format {}; use the fqt that wrote it",
         path, format, kFormat);
  try {
    checkpoint.state = state_from(parse_json(text_of(checkpoint.file, "state")), path);
    checkpoint.identity = parse_json(text_of(checkpoint.file, "identity"));
  } catch (const Json::exception& error) {
    fail(ErrorKind::data, "[checkpoint] {}: its metadata is not what fqt writes: {}", path, error.what());
  }
  return checkpoint;
}

void restore(Checkpoint&& checkpoint, layers::Module& model, optim::Optimizer& optimizer) {
  std::map<std::string, Tensor*> unclaimed;
  for (NamedTensor& named : checkpoint.file.tensors) unclaimed[named.name] = &named.tensor;
  const auto require = [&](bool condition, const std::string& name, const char* problem) {
    if (!condition) fail(ErrorKind::data, "[checkpoint] {}: tensor '{}' {}", checkpoint.path, name, problem);
  };
  for (const StatePlace& place : places_of(model, optimizer)) {
    const auto claimed = unclaimed.extract(place.name);
    if (claimed.empty() && place.may_be_missing) continue;
    require(!claimed.empty(), place.name, "is missing");
    Tensor& tensor = *claimed.mapped();
    require(!place.tensor->defined() || tensor.shape() == place.tensor->shape(), place.name, "has another shape");
    *place.tensor = std::move(tensor);
  }
  for (const auto& [name, tensor] : unclaimed) require(false, name, "is unknown to the model");
}

}  // namespace fqt::trainer
