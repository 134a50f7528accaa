#include "trainer/run_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <span>

#include "engine/check.h"
#include "trainer/files.h"
#include "trainer/json.h"
#include "trainer/manifest.h"
#include "trainer/plan_file.h"

namespace fqt::trainer {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRuns = 10000;

/// What a run makes first of all, and what it makes then, before its first checkpoint.
constexpr std::string_view kFirst[] = {"checkpoints", "lock"};
constexpr std::string_view kBeginnings[] = {"probes.jsonl", "log.jsonl", "plan.toml", "manifest.json", "config.toml"};

bool is_one_of(std::span<const std::string_view> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

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

std::optional<RunDirectory> RunDirectory::begun(const std::string& path) {
  std::error_code error;
  const bool something = fs::is_directory(path, error) && !fs::is_empty(path, error) && !error;
  return something ? std::optional(RunDirectory(path)) : std::nullopt;
}

void RunDirectory::check_beginning() const {
  std::error_code error;
  // Whose these are is told by what is made before them: a config.toml alone may be somebody's own.
  const bool own = fs::is_directory(checkpoints(), error) && fs::exists(lock(), error);
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    check(is_one_of(kFirst, name) || (own && (is_leftover(name) || is_one_of(kBeginnings, name))),
          "[out] {} is not of a run that can be gone on with or begun again; choose another folder with --out DIR",
          entry.path().string());
  }
  const Json said = fs::exists(manifest(), error) ? read_manifest(*this) : Json::object();
  // Of a run whose first checkpoint found no room: its weights are where they started from.
  const bool untrained = said.value("steps_done", Json()) == 0;
  for (const auto& entry : fs::directory_iterator(checkpoints(), error))
    check(is_leftover(entry.path().filename().string()) || (untrained && entry.path() == weights()),
          "[out] {} is there, but no checkpoint to go on from; choose another folder with --out DIR, or remove {}",
          entry.path().string(), path_);
  const Json word = said.value("status", Json());
  const std::string status = word.is_string() ? word.get<std::string>() : "";
  check(status != "finished" && status != "diverged",
        "[out] the run in {} has {}, and there is no checkpoint of it; choose another folder with --out DIR, or remove "
        "that one",
        path_, status);
}

void RunDirectory::begin_again() const {
  check_beginning();
  remove_leftovers(path_);
  remove_leftovers(checkpoints());
  std::error_code error;
  const auto remove = [&](const fs::path& path) {
    if (!fs::remove(path, error) && error) fail_to_make(path_, error);
  };
  remove(weights());
  for (const std::string_view name : kBeginnings) remove(fs::path(path_) / name);
  if (fs::create_directory(checkpoints(), error); error) fail_to_make(path_, error);
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

Config recorded_config(const RunDirectory& directory) {
  Config config;
  apply_layer(config, read_config_file(directory.config()));
  config.threads = fqt::threads();  // they change no result
  // A plan file may have been edited since; the run keeps what it ran on.
  if (is_plan_file(config.plan)) config.plan = directory.plan();
  return config;
}

Config finished_config(const RunDirectory& directory) {
  Config config = recorded_config(directory);
  config.weights.clear();
  return config;
}

}  // namespace fqt::trainer
