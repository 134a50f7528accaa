#include "trainer/weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/safetensors.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

struct State {
  std::string name;
  Tensor* tensor;
};

std::vector<State> state_of(layers::Module& model) {
  std::vector<State> state;
  for (Parameter* parameter : model.parameters()) state.push_back({parameter->name, &parameter->value});
  for (const layers::NamedBuffer& buffer : model.buffers()) state.push_back({buffer.name, buffer.tensor});
  return state;
}

void check_finite(const std::string& where, const std::string& name, const Tensor& tensor) {
  const auto values = tensor.values();
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != values.end())
    fail(ErrorKind::data, "[weights] {}: tensor '{}' holds {} at index {}; these weights come from a run that diverged",
         where, name, *bad, bad - values.begin());
}

}  // namespace

void save_weights(const std::string& path, layers::Module& model, int64_t step) {
  TensorFile file;
  for (const State& state : state_of(model)) file.tensors.push_back({state.name, *state.tensor});
  file.metadata = {
      {"format", "fqt"}, {"step", std::to_string(step)}, {"weights_hash", to_hex(layers::weights_hash(model))}};
  write_safetensors(path, file);
}

int64_t load_weights(const std::string& path, layers::Module& model) {
  const TensorFile file = read_safetensors(path);
  std::map<std::string, const Tensor*> unclaimed, found;
  for (const NamedTensor& named : file.tensors) unclaimed[named.name] = &named.tensor;

  std::vector<std::string> problems;
  const std::vector<State> wanted = state_of(model);
  for (const State& state : wanted) {
    const auto claimed = unclaimed.extract(state.name);
    if (claimed.empty())
      problems.push_back(fmt::format("'{}' is missing", state.name));
    else if (claimed.mapped()->shape() != state.tensor->shape())
      problems.push_back(fmt::format("'{}' has shape {}, the model expects {}", state.name,
                                     to_string(claimed.mapped()->shape()), to_string(state.tensor->shape())));
    else
      found[state.name] = claimed.mapped();
  }
  for (const auto& [name, tensor] : unclaimed) problems.push_back(fmt::format("'{}' is unknown to the model", name));
  if (!problems.empty()) fail(ErrorKind::data, "[weights] {} does not fit the model: {}", path, join(problems, "; "));

  for (const State& state : wanted) check_finite(path, state.name, *found.at(state.name));
  for (const State& state : wanted) *state.tensor = found.at(state.name)->clone();

  int64_t step = 0;
  const auto text = file.metadata.find("step");
  if (text != file.metadata.end())
    std::from_chars(text->second.data(), text->second.data() + text->second.size(), step);
  return step;
}

void check_finite(const std::string& where, layers::Module& model) {
  for (const State& state : state_of(model)) check_finite(where, state.name, *state.tensor);
}

}  // namespace fqt::trainer
