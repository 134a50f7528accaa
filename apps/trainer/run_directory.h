#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/config.h"

namespace fqt::trainer {

/// The paths of a run: config.toml, manifest.json, plan.toml, log.jsonl, probes.jsonl, lock and
/// checkpoints/.
class RunDirectory {
 public:
  /// One that exists. Error(missing) where there is no such folder, or no config.toml in it.
  static RunDirectory open(const std::string& path);

  /// Makes config.out, or where that is empty a fresh runs/<model>-<plan>-<data>-s<seed>[-N]. Error(usage) where it
  /// exists and is not an empty folder, Error(io) where it cannot be made.
  static RunDirectory create(const Config& config, const std::string& data_name);

  /// A folder in which there is something, be it what a run that was killed in its beginning has left; none where
  /// there is no such folder, or nothing in it.
  static std::optional<RunDirectory> begun(const std::string& path);

  /// Error(usage) unless it holds no more than a run leaves that ended before its first checkpoint.
  void check_beginning() const;
  /// Takes that away but for the lock, which the caller holds. Errors as check_beginning; Error(io).
  void begin_again() const;

  const std::string& path() const { return path_; }
  std::string config() const { return path_ + "/config.toml"; }
  std::string manifest() const { return path_ + "/manifest.json"; }
  std::string plan() const { return path_ + "/plan.toml"; }
  std::string log() const { return path_ + "/log.jsonl"; }
  std::string probes() const { return path_ + "/probes.jsonl"; }
  std::string lock() const { return path_ + "/lock"; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }
  std::string weights() const { return checkpoints() + "/weights.safetensors"; }
  std::string best() const { return checkpoints() + "/best.safetensors"; }
  /// That of a step: checkpoints/step-00000100.safetensors.
  std::string checkpoint(int64_t step) const;

 private:
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// <model>-<plan>-<data>-s<seed>, in letters that need no quoting in a shell.
std::string run_name(const Config& config, const std::string& data_name);

/// The configuration of a run as it ran, to open the same experiment again: with the threads of this machine and the
/// bits written beside it.
Config recorded_config(const RunDirectory& directory);
/// The same without the weights it started from.
Config finished_config(const RunDirectory& directory);

}  // namespace fqt::trainer
