#include "trainer/weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "engine/check.h"
#include "engine/hash.h"
#include "trainer/checkpoint.h"
#include "trainer/safetensors.h"
#include "trainer/seal.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

/// A tensor of a model, and how a file has it.
struct State {
  std::string name;
  Tensor* tensor;
  ParameterLayout layout = ParameterLayout::plain;
};

std::vector<State> state_of(layers::Module& model) {
  std::vector<State> state;
  for (Parameter* parameter : model.parameters()) state.push_back({parameter->name, &parameter->value});
  for (const layers::NamedBuffer& buffer : model.buffers()) state.push_back({buffer.name, buffer.tensor});
  return state;
}

/// PyTorch's name of a norm's parameter; others are called the same.
std::string torch_name(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> kEndings[] = {{".gamma", ".weight"}, {".beta", ".bias"}};
  for (const auto& [ours, theirs] : kEndings)
    if (name.ends_with(ours)) return name.substr(0, name.size() - ours.size()).append(theirs);
  return name;
}

std::vector<State> torch_state_of(layers::Module& model) {
  std::vector<State> state;
  for (Parameter* parameter : model.parameters())
    state.push_back({torch_name(parameter->name), &parameter->value, parameter->layout});
  for (const layers::NamedBuffer& buffer : model.buffers())
    if (!buffer.name.ends_with(".lhs_range") && !buffer.name.ends_with(".rhs_range"))
      state.push_back({buffer.name, buffer.tensor});
  return state;
}

Shape torch_shape(const State& state) {
  const Shape& shape = state.tensor->shape();
  switch (state.layout) {
    case ParameterLayout::matrix:
      return {shape[1], shape[0]};
    case ParameterLayout::convolution:
      return {shape[3], shape[2], shape[0], shape[1]};
    case ParameterLayout::plain:
      break;
  }
  return shape;
}

/// Calls visit(place in our order, place in PyTorch's) for every element: ours is [a, b, c], PyTorch's [c, b, a].
template <typename Visit>
void for_places(const State& state, const Visit& visit) {
  const Tensor& tensor = *state.tensor;
  const bool convolution = state.layout == ParameterLayout::convolution;
  const int64_t c = state.layout == ParameterLayout::plain ? tensor.size() : tensor.dim(-1);
  const int64_t b = convolution ? tensor.dim(2) : 1, a = c * b > 0 ? tensor.size() / (c * b) : 0;
  for (int64_t k = 0; k < c; ++k)
    for (int64_t j = 0; j < b; ++j)
      for (int64_t i = 0; i < a; ++i) visit((i * b + j) * c + k, (k * b + j) * a + i);
}

Tensor to_torch(const State& state) {
  Tensor result(torch_shape(state));
  for_places(state, [&](int64_t ours, int64_t theirs) { result.data()[theirs] = state.tensor->data()[ours]; });
  return result;
}

Tensor from_torch(const State& state, const Tensor& given) {
  Tensor result(state.tensor->shape());
  for_places(state, [&](int64_t ours, int64_t theirs) { result.data()[ours] = given.data()[theirs]; });
  return result;
}

void check_finite(const std::string& where, const std::string& name, const Tensor& tensor) {
  const auto values = tensor.values();
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != values.end())
    fail(ErrorKind::data, "[weights] {}: tensor '{}' holds {} at index {}; these weights come from a run that diverged",
         where, name, *bad, bad - values.begin());
}

/// The file's tensor for each of `wanted`; Error(data) unless each has its own, and no other is there.
std::vector<const Tensor*> match(const std::string& path, const TensorFile& file, const std::vector<State>& wanted) {
  std::map<std::string, const Tensor*> unclaimed;
  for (const NamedTensor& named : file.tensors) unclaimed[named.name] = &named.tensor;
  std::vector<std::string> problems;
  std::vector<const Tensor*> found;
  for (const State& state : wanted) {
    const auto claimed = unclaimed.extract(state.name);
    const Shape expected = torch_shape(state);
    if (claimed.empty())
      problems.push_back(fmt::format("'{}' is missing", state.name));
    else if (claimed.mapped()->shape() != expected)
      problems.push_back(fmt::format("'{}' has shape {}, the model expects {}", state.name,
                                     to_string(claimed.mapped()->shape()), to_string(expected)));
    else
      found.push_back(claimed.mapped());
  }
  for (const auto& [name, tensor] : unclaimed) problems.push_back(fmt::format("'{}' is unknown to the model", name));
  for (const std::string& name : file.whole_numbers)
    if (!name.ends_with(".num_batches_tracked")) problems.push_back(fmt::format("'{}' holds whole numbers", name));
  if (!problems.empty()) fail(ErrorKind::data, "[weights] {} does not fit the model: {}", path, join(problems, "; "));
  for (size_t i = 0; i < wanted.size(); ++i) check_finite(path, wanted[i].name, *found[i]);
  return found;
}

int64_t step_of(const TensorFile& file) {
  int64_t step = 0;
  const auto text = file.metadata.find("step");
  if (text != file.metadata.end())
    std::from_chars(text->second.data(), text->second.data() + text->second.size(), step);
  return step;
}

}  // namespace

void save_weights(const std::string& path, layers::Module& model, int64_t step) {
  TensorFile file;
  for (const State& state : state_of(model)) file.tensors.push_back({state.name, *state.tensor});
  file.metadata = {
      {"format", "fqt"}, {"step", std::to_string(step)}, {"weights_hash", to_hex(layers::weights_hash(model))}};
  write_safetensors(path, file);
}

void export_weights(const std::string& path, layers::Module& model) {
  TensorFile file;
  for (const State& state : torch_state_of(model)) file.tensors.push_back({state.name, to_torch(state)});
  file.metadata = {{"format", "pt"}};
  write_safetensors(path, file);
}

int64_t load_weights(const std::string& path, layers::Module& model) {
  TensorFile file = read_safetensors(path);
  check_seal(path, file);
  std::erase_if(file.tensors, [](const NamedTensor& named) { return is_training_state(named.name); });
  const auto format = file.metadata.find("format");
  const bool own = format != file.metadata.end() && format->second == "fqt";
  const std::vector<State> wanted = own ? state_of(model) : torch_state_of(model);
  const std::vector<const Tensor*> found = match(path, file, wanted);
  for (size_t i = 0; i < wanted.size(); ++i) *wanted[i].tensor = from_torch(wanted[i], *found[i]);
  return step_of(file);
}

void check_finite(const std::string& where, layers::Module& model) {
  for (const State& state : state_of(model)) check_finite(where, state.name, *state.tensor);
}

}  // namespace fqt::trainer
