#include "trainer/safetensors.h"

#include "layers/lstm.h"
#include "memory_file.h"
#include "trainer/checkpoint.h"
#include "trainer/seal.h"
#include "trainer/trainer.h"

using namespace fqt;

namespace {

/// As a checkpoint, with a hash that is right, so that all that is behind it is reached.
void restore(trainer::TensorFile file) {
  trainer::seal(file);
  layers::Lstm model("lstm", {.inputs = 1, .hidden = 1});
  trainer::TrainOptions adam;
  adam.optimizer = "adam";
  const auto optimizer = trainer::make_optimizer(adam, model);
  trainer::restore(trainer::to_checkpoint("fuzz", std::move(file)), model, *optimizer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const test::MemoryFile file(bytes, count);
  test::expect_data_errors([&] { restore(trainer::read_safetensors(file.path())); });
  return 0;
}
