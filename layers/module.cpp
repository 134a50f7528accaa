#include "layers/module.h"

#include <algorithm>

#include "engine/hash.h"
#include "engine/random.h"

namespace fqt::layers {

std::vector<Parameter*> Module::parameters() {
  std::vector<Parameter*> all = own_parameters();
  for (Module* child : children())
    for (Parameter* parameter : child->parameters()) all.push_back(parameter);
  return all;
}

std::vector<NamedBuffer> Module::buffers() {
  std::vector<NamedBuffer> all = own_buffers();
  for (Module* child : children())
    for (NamedBuffer& buffer : child->buffers()) all.push_back(std::move(buffer));
  return all;
}

std::vector<NamedBuffer> Module::states() {
  std::vector<NamedBuffer> all = own_states();
  for (Module* child : children())
    for (NamedBuffer& state : child->states()) all.push_back(std::move(state));
  return all;
}

std::vector<quant::Site*> Module::sites() {
  std::vector<quant::Site*> all = own_sites();
  for (Module* child : children())
    for (quant::Site* site : child->sites()) all.push_back(site);
  return all;
}

void initialize(Module& module, uint64_t seed) {
  for (Parameter* parameter : module.parameters()) {
    const RandomKey key = random_key(seed, {hash_text("initialize"), hash_text(parameter->name)});
    if (parameter->standard_deviation > 0)
      fill_normal(key, static_cast<float>(parameter->standard_deviation), parameter->value.values());
    else if (parameter->uniform > 0)
      fill_uniform(key, static_cast<float>(parameter->uniform), parameter->value.values());
    else
      std::fill_n(parameter->value.data(), parameter->value.size(), parameter->start_value);
  }
}

uint64_t weights_hash(Module& module) {
  uint64_t hash = 0;
  const auto add = [&](const std::string& name, const Tensor& tensor) {
    hash = hash_floats(tensor.values(), hash_text(name + to_string(tensor.shape()), hash));
  };
  for (const Parameter* parameter : module.parameters()) add(parameter->name, parameter->value);
  for (const NamedBuffer& buffer : module.buffers()) add(buffer.name, *buffer.tensor);
  return hash;
}

}  // namespace fqt::layers
