#include "trainer/manifest.h"

#include "engine/hash.h"
#include "engine/kernels/table.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/recipes.h"

namespace fqt::trainer {

Json describe_run(const Experiment& experiment) {
  const Config& config = experiment.config;
  const data::ImageDataset &train = *experiment.data.train, &test = *experiment.data.test;
  const BuildInfo& build = build_info();
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
          {"data",
           {{"name", experiment.data_name()},
            {"source", config.data},
            {"train_images", train.size()},
            {"train_hash", to_hex(train.hash())},
            {"test_images", test.size()},
            {"test_hash", to_hex(test.hash())}}},
          {"plan", config.plan},
          {"recipe", describe_recipe(config)},
          {"seed", config.seed},
          {"batch", config.train.batch},
          {"steps", config.train.steps}};
}

void write_manifest(const RunDirectory& directory, const Json& manifest) {
  write_text_file(directory.manifest(), to_text(manifest, 2) + "\n");
}

}  // namespace fqt::trainer
