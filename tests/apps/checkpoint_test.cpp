#include "trainer/checkpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "apps/failing_calls.h"
#include "apps/json.h"
#include "apps/process.h"
#include "engine/check.h"
#include "layers/linear.h"
#include "layers/lstm.h"
#include "trainer/checkpoints.h"
#include "trainer/files.h"
#include "trainer/run_lock.h"
#include "trainer/trainer.h"
#include "trainer/weights.h"

using namespace fqt;
using namespace fqt::test;
using namespace fqt::trainer;
namespace fs = std::filesystem;

namespace {

/// A small model and its optimizer, every value of them another.
struct Small {
  layers::Lstm model{"lstm", {.inputs = 2, .hidden = 2}};
  std::unique_ptr<optim::Optimizer> optimizer;

  explicit Small(float start = 0) {
    TrainOptions train;
    train.optimizer = "adam";
    optimizer = make_optimizer(train, model);
    for (const layers::NamedBuffer& state : model.states()) *state.tensor = Tensor::zeros({1, 2});
    for (Tensor* tensor : all())
      for (float& value : tensor->values()) value = start += 0.25f;
  }

  std::vector<Tensor*> all() {
    std::vector<Tensor*> tensors;
    for (Parameter* parameter : model.parameters()) tensors.push_back(&parameter->value);
    for (const layers::NamedBuffer& buffer : model.buffers()) tensors.push_back(buffer.tensor);
    for (const optim::NamedTensor& named : optimizer->state()) tensors.push_back(named.tensor);
    for (const layers::NamedBuffer& state : model.states()) tensors.push_back(state.tensor);
    return tensors;
  }

  bool operator==(Small& other) {
    const std::vector<Tensor*> mine = all(), theirs = other.all();
    return std::ranges::equal(mine, theirs, [](const Tensor* a, const Tensor* b) {
      return a->shape() == b->shape() && std::ranges::equal(a->values(), b->values());
    });
  }
};

const RunState kRunState{.step = 7,
                         .items = 49,
                         .seconds = 0.1,
                         .losses = {1.0 / 3, 2.5e-300},
                         .evaluated = 6,
                         .best = {{"step", 6}, {"test_accuracy", 12.5}},
                         .overflows = {{"lstm.input", {{"forward", 3}}}},
                         .log_bytes = 11,
                         .probe_bytes = 12};

/// A run directory that has nothing but a configuration and room for checkpoints.
struct Directory {
  TemporaryFolder folder;
  RunDirectory run = make(folder);

  static RunDirectory make(const TemporaryFolder& folder) {
    write(folder / "config.toml", "");
    fs::create_directory(folder / "checkpoints");
    return RunDirectory::open(folder.path());
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(run.checkpoints())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
};

RunState after(int64_t step) {
  RunState state = kRunState;
  state.step = step;
  return state;
}

Checkpoint newest(const RunDirectory& run, std::vector<std::string>& warnings) {
  return newest_checkpoint(run, [&](const std::string& line) { warnings.push_back(line); });
}

ErrorKind kind_of(const std::function<void()>& call, std::string* message = nullptr) {
  try {
    call();
  } catch (const Error& error) {
    if (message) *message = error.what();
    return error.kind();
  }
  return ErrorKind::internal;
}

}  // namespace

TEST_CASE("checkpoint: all of a model, its optimizer and where the run stands comes back to the bit") {
  const TemporaryFolder folder;
  Small written(0), other(100);
  CHECK_FALSE(written == other);
  write_checkpoint(folder / "a", written.model, *written.optimizer, kRunState, {{"seed", 3}});
  const Checkpoint checkpoint = read_checkpoint(folder / "a");
  restore(read_checkpoint(folder / "a"), other.model, *other.optimizer);
  CHECK(written == other);
  const RunState& state = checkpoint.state;
  CHECK((state.step == 7 && state.items == 49 && state.seconds == 0.1 && state.evaluated == 6));
  CHECK(state.losses == kRunState.losses);
  CHECK((state.best == kRunState.best && state.overflows == kRunState.overflows));
  CHECK((state.log_bytes == 11 && state.probe_bytes == 12));
  CHECK(checkpoint.identity == Json{{"seed", 3}});
}

TEST_CASE("checkpoint: a state that nothing has been seen of stays so, other tensors may not be missing or too many") {
  const TemporaryFolder folder;
  Small fresh, other;
  for (const layers::NamedBuffer& state : fresh.model.states()) *state.tensor = Tensor();
  for (const layers::NamedBuffer& state : other.model.states()) *state.tensor = Tensor();
  write_checkpoint(folder / "a", fresh.model, *fresh.optimizer, kRunState, {});
  restore(read_checkpoint(folder / "a"), other.model, *other.optimizer);
  CHECK_FALSE(other.model.states()[0].tensor->defined());

  layers::Linear linear("head", {.in_features = 2, .out_features = 1});
  const auto optimizer = make_optimizer({}, linear);
  CHECK(kind_of([&] { restore(read_checkpoint(folder / "a"), linear, *optimizer); }) == ErrorKind::data);
  layers::Lstm wide("lstm", {.inputs = 3, .hidden = 2});
  TrainOptions adam;
  adam.optimizer = "adam";
  const auto wide_optimizer = make_optimizer(adam, wide);
  CHECK_THROWS_WITH_AS(restore(read_checkpoint(folder / "a"), wide, *wide_optimizer),
                       doctest::Contains("'lstm.weight_ih' has another shape"), Error);
  const auto sgd = make_optimizer({}, other.model);
  CHECK_THROWS_WITH_AS(restore(read_checkpoint(folder / "a"), other.model, *sgd),
                       doctest::Contains("'optimizer/lstm.weight_ih.velocity' is missing"), Error);
}

TEST_CASE("checkpoint: a count that is none is noticed behind a hash that is right") {
  const TemporaryFolder folder;
  Small small;
  RunState state = kRunState;
  state.log_bytes = -1;
  write_checkpoint(folder / "a", small.model, *small.optimizer, state, {});
  CHECK_THROWS_WITH_AS(read_checkpoint(folder / "a"), doctest::Contains("log_bytes is -1"), Error);
}

TEST_CASE("checkpoint: its weights load as any weights do") {
  const TemporaryFolder folder;
  Small written(0), other(100);
  write_checkpoint(folder / "a", written.model, *written.optimizer, kRunState, {});
  CHECK(load_weights(folder / "a", other.model) == 7);
  CHECK(layers::weights_hash(written.model) == layers::weights_hash(other.model));
  std::string bytes = read(folder / "a");
  bytes.back() ^= 1;
  write(folder / "a", bytes);
  CHECK_THROWS_WITH_AS(load_weights(folder / "a", other.model), doctest::Contains("does not match its hash"), Error);
}

TEST_CASE("checkpoint: every flipped bit and every truncation is noticed") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  Small small;
  write_checkpoint(path, small.model, *small.optimizer, kRunState, {{"seed", 3}});
  const std::string good = read(path);
  const auto notice = [&](const std::string& bytes) {
    write(path, bytes);
    return kind_of([&] { read_checkpoint(path); }) == ErrorKind::data;
  };
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    if (!notice(bytes)) FAIL_CHECK("byte " << at << " of " << good.size() << ": " << good.substr(at, 30));
  }
  for (size_t size = 0; size < good.size(); size += 13)
    if (!notice(good.substr(0, size))) FAIL_CHECK("cut after " << size);
}

TEST_CASE("checkpoint: weights are no checkpoint, and one of another format says so") {
  const TemporaryFolder folder;
  Small small;
  save_weights(folder / "weights", small.model, 3);
  CHECK_THROWS_WITH_AS(read_checkpoint(folder / "weights"), doctest::Contains("is no checkpoint of fqt"), Error);
  CHECK(kind_of([&] { read_checkpoint(folder / "none"); }) == ErrorKind::missing);
}

TEST_CASE("checkpoints: the last two and the best are kept, and one that cannot be read gives way") {
  Directory directory;
  Small small;
  Checkpoints checkpoints(directory.run, {.every = 2}, nullptr);
  CHECK(checkpoints.newest() == -1);
  for (const int64_t step : {0, 2, 4}) checkpoints.write(small.model, *small.optimizer, after(step), {});
  checkpoints.write_best(small.model, *small.optimizer, after(2), {});
  CHECK(directory.names() ==
        std::vector<std::string>{"best.safetensors", "step-00000002.safetensors", "step-00000004.safetensors"});
  CHECK((checkpoints.newest() == 4 && checkpoints.due(6) && !checkpoints.due(5) && !checkpoints.due(4)));

  std::vector<std::string> warnings;
  CHECK(newest(directory.run, warnings).state.step == 4);
  CHECK(warnings.empty());
  write(directory.run.checkpoint(4), "damaged");
  const Checkpoint from = newest(directory.run, warnings);
  CHECK(from.state.step == 2);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], directory.run.checkpoint(4)));
  CHECK(contains(warnings[0], "trying the checkpoint before it"));

  // The run that goes on from step 2 keeps step 2, not the newer file that is damaged.
  Checkpoints resumed(directory.run, {.every = 2}, &from);
  resumed.write(small.model, *small.optimizer, after(3), {});
  CHECK(directory.names() ==
        std::vector<std::string>{"best.safetensors", "step-00000002.safetensors", "step-00000003.safetensors"});

  write(directory.run.checkpoint(2), "damaged");
  write(directory.run.checkpoint(3), "");
  CHECK(newest(directory.run, warnings).path == directory.run.best());
  write(directory.run.best(), "");
  CHECK(kind_of([&] { newest(directory.run, warnings); }) == ErrorKind::data);
  fs::remove_all(directory.run.checkpoints());
  CHECK(kind_of([&] { newest(directory.run, warnings); }) == ErrorKind::missing);
}

TEST_CASE("checkpoints: by the clock one is due when its seconds are over, and none where there are to be none") {
  Directory directory;
  Small small;
  Checkpoints soon(directory.run, {.seconds = 0.01}, nullptr), never(directory.run, {.seconds = 0}, nullptr),
      late(directory.run, {}, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK((soon.due(1) && !never.due(1) && !late.due(1)));
  soon.write(small.model, *small.optimizer, after(1), {});
  CHECK_FALSE(soon.due(1));
  CHECK_FALSE(soon.due(2));
}

TEST_CASE("checkpoints: whichever write, fsync or rename fails, the one before survives") {
  Small small;
  for (const FailingCall call : {FailingCall::write, FailingCall::fsync, FailingCall::rename}) {
    CAPTURE(static_cast<int>(call));
    bool failed = true;
    for (int n = 0; failed; ++n) {
      CAPTURE(n);
      REQUIRE(n < 100);
      Directory directory;
      Checkpoints checkpoints(directory.run, {}, nullptr);
      checkpoints.write(small.model, *small.optimizer, after(5), {});
      std::string message;
      {
        const FailingCalls failing(call, n);
        failed =
            kind_of([&] { checkpoints.write(small.model, *small.optimizer, after(7), {}); }, &message) == ErrorKind::io;
      }
      std::vector<std::string> warnings;
      const Checkpoint checkpoint = newest(directory.run, warnings);
      CHECK(warnings.empty());
      CHECK((checkpoint.state.step == 5 || checkpoint.state.step == 7));
      CHECK(directory.names().front() == "step-00000005.safetensors");
      CHECK(directory.names().size() <= 2);  // no temporary file is left
      if (!failed) {
        CHECK(checkpoint.state.step == 7);
        continue;
      }
      CHECK(contains(message, "cannot be written: No space left on device"));
      CHECK(contains(message, "the last good checkpoint is " + directory.run.checkpoint(5)));
      CHECK(contains(message, "`fqt train --resume " + directory.run.path() + "`"));
    }
  }
}

TEST_CASE("checkpoints: of two processes in a run directory the second is told so") {
  Directory directory;
  {
    const RunLock lock(directory.run);
    CHECK_THROWS_WITH_AS(RunLock(directory.run), doctest::Contains("another process is training in "), Error);
  }
  CHECK_NOTHROW(RunLock(directory.run));
}
