#include "trainer/identity.h"

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

std::string run_id(const Json& identity, const std::string& plan) {
  nlohmann::json canonical = identity;  // keys in the order of the alphabet
  canonical.erase("version");
  canonical.erase("commit");
  canonical["plan"] = is_plan_file(plan) ? "file" : plan;
  return to_hex(hash_text(canonical.dump()));
}

}  // namespace fqt::trainer
