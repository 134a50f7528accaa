// What people get wrong, and the answer: an exit code, and a message that says what, where and what to do.
#include <doctest/doctest.h>

#include "apps/process.h"

using namespace fqt::test;

namespace {

/// Trains in `folder`, where nothing may be left behind, and returns the message.
std::string train_error(const TemporaryFolder& folder, int expected_code, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"train", "resnet20"});
  const Outcome outcome = fqt_program(arguments, {}, folder.path());
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == expected_code);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("fqt: ["));
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
  return outcome.err;
}

std::string train_error(int expected_code, const std::vector<std::string>& arguments) {
  return train_error(TemporaryFolder(), expected_code, arguments);
}

/// CIFAR-10 in small: five files of `records` images and a test file, all pixels the record's number.
void write_cifar(const TemporaryFolder& folder, int records) {
  std::filesystem::create_directory(folder / "cifar");
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string bytes;
    for (int i = 0; i < records; ++i) bytes += static_cast<char>(i % 10) + std::string(3072, static_cast<char>(i));
    write(folder / "cifar/" + name + ".bin", bytes);
  }
}

}  // namespace

TEST_CASE("bad input: data") {
  const TemporaryFolder folder;
  CHECK(contains(train_error(folder, kMissing, {"--data", "/no/such/folder"}), "/no/such/folder"));
  CHECK(contains(train_error(folder, kMissing, {"--data", "shaeps"}), "shapes"));
  write_cifar(folder, 4);
  const std::string batch = folder / "cifar/data_batch_3.bin", whole = read(batch);

  write(batch, whole.substr(0, whole.size() - 1));
  const std::string truncated = train_error(folder, kData, {"--data", "cifar"});
  CHECK(contains(truncated, "data_batch_3.bin"));
  CHECK(contains(truncated, "12291 bytes"));

  std::string label = whole;
  label[2 * 3073] = 10;
  write(batch, label);
  const std::string message = train_error(folder, kData, {"--data", "cifar"});
  CHECK(contains(message, "data_batch_3.bin: record 2"));
  CHECK(contains(message, "label 10"));

  std::filesystem::remove(batch);
  CHECK(contains(train_error(folder, kMissing, {"--data", "cifar"}), "data_batch_3.bin"));

  write(batch, whole);
  CHECK(contains(train_error(folder, kUsage, {"--data", "cifar", "--batch", "21"}),
                 "21 images a step, but cifar10 has 20"));
}

TEST_CASE("bad input: plans") {
  CHECK(contains(train_error(kUsage, {"--plan", "U:1"}), "--plan: "));
  CHECK(contains(train_error(kUsage, {"--plan", "U:99"}), "99"));
  CHECK(contains(train_error(kUsage, {"--plan", "Q:3"}), "U:BITS"));
  CHECK(contains(train_error(kUsage, {"--plan", "U:"}), "--plan: "));
  CHECK(contains(train_error(kUsage, {"--plan", ""}), "--plan: "));
  CHECK(contains(train_error(kUsage, {"--plan", "U:6.5"}), "--plan: "));
}

TEST_CASE("bad input: numbers") {
  CHECK(
      contains(train_error(kUsage, {"--batch", "0"}), "--batch: '0' is not allowed; give an integer from 1 to 65536"));
  CHECK(contains(train_error(kUsage, {"--batch", "-1"}), "--batch: '-1' is not allowed"));
  CHECK(contains(train_error(kUsage, {"--batch", "many"}), "--batch: 'many' is not allowed"));
  CHECK(contains(train_error(kUsage, {"--steps", "0"}), "--steps: '0' is not allowed"));
  CHECK(contains(train_error(kUsage, {"--epochs", "0"}), "--epochs: '0' is not allowed"));
  CHECK(contains(train_error(kUsage, {"--threads", "0"}),
                 "--threads: '0' is not allowed; give an integer from 1 to 1024"));
  CHECK(contains(train_error(kUsage, {"--seed", "-1"}), "--seed: '-1' is not allowed"));
  CHECK(contains(train_error(kUsage, {"--steps", "1", "--epochs", "1"}), "--steps and --epochs both"));
  CHECK(contains(train_error(kUsage, {"--steps", "1", "--set", "train.steps=2"}), "given twice"));
}

TEST_CASE("bad input: configuration files") {
  const TemporaryFolder folder;
  write(folder / "run.toml", "seed = 1\n\n[train]\nbatch = 4\nmomentun = 0.9\n");
  CHECK(contains(train_error(folder, kUsage, {"--config", "run.toml"}),
                 "run.toml:5: train.momentun: there is no key 'train.momentun'; did you mean 'train.momentum'?"));
  write(folder / "run.toml", "seed = 1\nbatch =\n");
  CHECK(contains(train_error(folder, kUsage, {"--config", "run.toml"}), "run.toml:2: this is not TOML"));
  CHECK(contains(train_error(folder, kMissing, {"--config", "none.toml"}), "none.toml"));
  CHECK(contains(train_error(folder, kUsage, {"--set", "qqqqqqqq=red"}),
                 "there is no key 'qqqqqqqq'; `fqt train --help` lists them"));
}

TEST_CASE("bad input: models and instruction sets") {
  for (const char* name : {"resnet21", "resnet", "resnet-2", "resnet99999999999999999999", "vgg", ""}) {
    const Outcome outcome = fqt_program({"train", name});
    CAPTURE(name);
    CHECK(outcome.exit_code == kUsage);
    CHECK(contains(outcome.err, "model"));
  }
  const Outcome isa = fqt_program({"train", "resnet20"}, {{"FQT_ISA", "mmx"}});
  CHECK(isa.exit_code == kUsage);
  CHECK(contains(isa.err, "[FQT_ISA] no instruction set 'mmx'; known: reference"));
}

TEST_CASE("bad input: output folders") {
  const TemporaryFolder folder;
  write(folder / "file", "x");
  std::filesystem::create_directories(folder / "run/checkpoints");
  const std::vector<std::string> tiny{"--steps", "1", "--batch", "2", "--set", "eval.images=2", "--out"};
  const auto with = [&](const std::string& out) {
    std::vector<std::string> arguments = tiny;
    arguments.push_back(out);
    return arguments;
  };
  CHECK(contains(train_error(folder, kUsage, with("run")), "run exists already"));
  CHECK(contains(train_error(folder, kUsage, with("file")), "file exists already"));
  CHECK(contains(train_error(folder, kIo, with("file/below")), "the run directory file/below cannot be made"));
  CHECK(contains(train_error(folder, kIo, with("/proc/none/run")), "choose another with --out DIR"));
}
