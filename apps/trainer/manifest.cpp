#include "trainer/manifest.h"

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/plan_view/export.h"
#include "trainer/recipes.h"

namespace fqt::trainer {

namespace {

/// Sizes and hashes of each split.
Json describe_data(const Experiment& experiment) {
  Json json{{"name", experiment.data_name()}, {"source", experiment.config.data}};
  const auto add = [&](const std::string& split, const char* items, const auto& set) {
    json[split + "_" + items] = set.size();
    json[split + "_hash"] = to_hex(set.hash());
  };
  if (const data::ImageData* images = experiment.data.images()) {
    add("train", "images", *images->train);
    add("test", "images", *images->test);
    return json;
  }
  const data::TextData& text = *experiment.data.text();
  add("train", "tokens", *text.train);
  add("valid", "tokens", *text.valid);
  add("test", "tokens", *text.test);
  json["vocabulary"] = text.vocabulary.size();
  return json;
}

}  // namespace

Json describe_run(const Experiment& experiment) {
  const Config& config = experiment.config;
  const BuildInfo& build = build_info();
  const Json plan = plan_summary(experiment);
  return {{"status", "running"},
          {"version", build.version},
          {"commit", build.commit},
          {"compiler", build.compiler},
          {"cpu", cpu_model()},
          {"isa", kernels::active().isa},
          {"threads", config.threads},
          {"started", utc_time()},
          {"model", config.model},
          {"parameters", experiment.parameter_count()},
          {"data", describe_data(experiment)},
          {"plan", config.plan},
          {"recipe", describe_recipe(config)},
          {"seed", config.seed},
          {"batch", config.train.batch},
          {"steps", config.train.steps},
          {"sites", plan["sites"]},
          {"size", plan["size"]}};
}

Json read_manifest(const RunDirectory& directory) {
  Json manifest = try_parse_json(read_text_file(directory.manifest()));
  if (!manifest.is_object())
    fail(ErrorKind::data, "[manifest] {} is not JSON; the file is damaged", directory.manifest());
  return manifest;
}

void write_manifest(const RunDirectory& directory, const Json& manifest) {
  write_text_file(directory.manifest(), to_text(manifest, 2) + "\n");
}

}  // namespace fqt::trainer
