#include "trainer/identity.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/hash.h"
#include "trainer/config_keys.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/plan_file.h"

namespace fqt::trainer {
namespace {

/// Keys that may differ: they change no result, or have an identity of their own.
constexpr std::string_view kFree[] = {
    "threads",     "out",         "weights", "data", "plan", "checkpoint.every", "checkpoint.seconds",
    "train.steps", "train.epochs"};

bool is_free(std::string_view key) { return std::ranges::find(kFree, key) != std::end(kFree); }

}  // namespace

Json deciding_keys(const Config& config) {
  Json keys = Json::object();
  for (const ConfigKey& key : config_keys())
    if (!is_free(key.name) && is_given(key, config)) keys[std::string(key.name)] = toml_value(key, config);
  return keys;
}

std::string bits_hash(const quant::BitTable& bits) {
  uint64_t hash = 0;
  for (const quant::SiteBits& site : bits) {
    std::string text = site.site + (site.is_float ? " float" : "");
    if (!site.is_float)
      for (const quant::ProductBits& product : site.products) text += fmt::format(" {}x{}", product.lhs, product.rhs);
    hash = hash_text(text, hash);
  }
  return to_hex(hash);
}

Json data_hashes(const data::Data& data) {
  if (const data::ImageData* images = data.images())
    return {{"train_hash", to_hex(images->train->hash())}, {"test_hash", to_hex(images->test->hash())}};
  const data::TextData& text = *data.text();
  return {{"train_hash", to_hex(text.train->hash())},
          {"valid_hash", to_hex(text.valid->hash())},
          {"test_hash", to_hex(text.test->hash())}};
}

std::string start_hash(const Config& config) {
  return config.weights.empty() ? "" : to_hex(hash_text(read_text_file(config.weights)));
}

Json run_identity(const Config& config, const quant::BitTable& bits, const Json& data_hashes,
                  const std::string& start) {
  Json identity{{"version", build_info().version}, {"commit", build_info().commit}, {"steps", config.train.steps},
                {"config", deciding_keys(config)}, {"bits", bits_hash(bits)},       {"data", data_hashes}};
  if (!start.empty()) identity["start"] = start;
  return identity;
}

std::vector<std::string> changed_keys(const Json& here, const Json& recorded) {
  const auto text = [](const Json& json, const std::string& key) {
    const Json value = json.value(key, Json("nothing"));
    return value.is_string() ? value.get<std::string>() : to_text(value);
  };
  Json keys = recorded;
  keys.update(here);
  std::vector<std::string> changes;
  for (const auto& [key, value] : keys.items())
    if (text(here, key) != text(recorded, key))
      changes.push_back(fmt::format("{} ({}; the run has {})", key, text(here, key), text(recorded, key)));
  return changes;
}

std::vector<std::string> identity_differences(const Json& here, const Json& recorded) {
  constexpr std::pair<const char*, const char*> kTexts[] = {
      {"steps", "train.steps"}, {"bits", "hash of the bits"}, {"start", "hash of the weights it starts from"}};
  const auto flat = [&](const Json& identity) {
    Json all = identity.value("config", Json::object());
    const Json data = identity.value("data", Json::object());
    for (const auto& [key, value] : data.items()) all["data." + key] = value;
    for (const auto& [key, name] : kTexts)
      if (identity.contains(key)) all[name] = identity[key];
    return all;
  };
  return changed_keys(flat(here), flat(recorded));
}

std::string run_id(const Json& identity, const std::string& plan) {
  nlohmann::json canonical = identity;  // keys in the order of the alphabet
  canonical.erase("version");
  canonical.erase("commit");
  canonical["plan"] = is_plan_file(plan) ? "file" : plan;
  return to_hex(hash_text(canonical.dump()));
}

}  // namespace fqt::trainer
