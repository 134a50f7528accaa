#include "trainer/run_directory.h"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "engine/check.h"
#include "trainer/plan_file.h"

namespace fqt::trainer {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRuns = 10000;

/// Letters that need no quoting in a shell; "U:6" is "U6".
std::string file_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (c == ':') continue;
    name += std::isalnum(static_cast<unsigned char>(c)) || std::string_view("+-._").find(c) != std::string_view::npos
                ? c
                : '_';
  }
  return name;
}

[[noreturn]] void fail_to_make(const std::string& path, const std::error_code& error) {
  fail(ErrorKind::io, "[out] the run directory {} cannot be made: {}; choose another with --out DIR", path,
       error.message());
}

/// True where the folder is made here, false where it is there already.
bool make(const std::string& path) {
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  const bool made = !error && fs::create_directory(path, error);
  std::error_code ignored;
  if (error && !fs::exists(path, ignored)) fail_to_make(path, error);
  return made;
}

std::string make_fresh(const Config& config, const std::string& data_name) {
  const std::string name = "runs/" + run_name(config, data_name);
  if (make(name)) return name;
  for (int n = 2; n <= kMostRuns; ++n)
    if (const std::string numbered = fmt::format("{}-{}", name, n); make(numbered)) return numbered;
  fail(ErrorKind::usage, "[out] {} and {} more runs like it exist; choose a run directory with --out DIR", name,
       kMostRuns);
}

}  // namespace

RunDirectory RunDirectory::open(const std::string& path) {
  const RunDirectory directory(path);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) fail(ErrorKind::missing, "[run] there is no run directory {}", path);
  if (!fs::exists(directory.config(), ignored))
    fail(ErrorKind::missing, "[run] {} is no run directory: it has no config.toml", path);
  return directory;
}

RunDirectory RunDirectory::create(const Config& config, const std::string& data_name) {
  std::error_code error;
  if (!config.out.empty() && !make(config.out)) {
    check(fs::is_directory(config.out, error) && fs::is_empty(config.out, error) && !error,
          "[out] {} exists already and is not an empty folder; choose another with --out DIR", config.out);
  }
  const RunDirectory directory(config.out.empty() ? make_fresh(config, data_name) : config.out);
  fs::create_directory(directory.checkpoints(), error);
  if (error) fail_to_make(directory.path(), error);
  return directory;
}

std::string RunDirectory::checkpoint(int64_t step) const {
  return fmt::format("{}/step-{:08}.safetensors", checkpoints(), step);
}

std::string run_name(const Config& config, const std::string& data_name) {
  const std::string plan = is_plan_file(config.plan) ? fs::path(config.plan).filename().string() : config.plan;
  return fmt::format("{}-{}-{}-s{}", file_name(config.model), file_name(plan), file_name(data_name), config.seed);
}

Config finished_config(const RunDirectory& directory) {
  Config config;
  apply_layer(config, read_config_file(directory.config()));
  config.threads = fqt::threads();  // they change no result
  config.weights.clear();
  // A plan file may have been edited since; the run keeps what it ran on.
  if (is_plan_file(config.plan)) config.plan = directory.plan();
  return config;
}

}  // namespace fqt::trainer
