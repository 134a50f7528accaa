#include "study/outcome.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "engine/check.h"
#include "trainer/files.h"
#include "trainer/json.h"
#include "trainer/run_directory.h"
#include "trainer/run_lock.h"

namespace fqt::study {
namespace {

using trainer::Json;
using trainer::RunDirectory;
namespace fs = std::filesystem;

constexpr std::string_view kStatusNames[] = {"waiting", "running", "interrupted", "finished", "diverged", "failed"};

/// One JSON object of a file, whose keys are errors where they are missing.
struct Record {
  const Json& json;
  std::string where;  ///< "runs/a/manifest.json", "runs/a/log.jsonl:3"
  std::string advice;

  template <typename T>
  T get(const char* key) const {
    const auto value = json.find(key);
    if (value == json.end()) fail(ErrorKind::data, "[study] {} has no key '{}': {}", where, key, advice);
    return as<T>(*value, key);
  }

  template <typename T>
  std::optional<T> find(const char* key) const {
    const auto value = json.find(key);
    return value == json.end() || value->is_null() ? std::nullopt : std::optional(as<T>(*value, key));
  }

 private:
  template <typename T>
  T as(const Json& value, const char* key) const {
    // Numbers that are none are written as null.
    if constexpr (std::is_same_v<T, double>)
      if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      fail(ErrorKind::data, "[study] {}: the key '{}' holds {}, which it cannot: {}", where, key,
           trainer::to_text(value), advice);
    }
  }
};

Json parse(const std::string& text, const std::string& where) {
  Json json = trainer::try_parse_json(text);
  if (!json.is_object())
    fail(ErrorKind::data,
         "[study] {} is no JSON object: it is damaged; leave the run out, or remove its folder and run it again",
         where);
  return json;
}

/// What to do about keys that are missing.
std::string advice_for(const Json& manifest, const RunDirectory& directory) {
  const auto version = manifest.find("version");
  return fmt::format("another version wrote it ({}); `fqt train --resume {}` of this one writes it anew",
                     version != manifest.end() && version->is_string()
                         ? "fqt " + version->get<std::string>() + ", commit " +
                               trainer::to_text(manifest.value("commit", Json("unknown")))
                         : "it does not say which",
                     directory.path());
}

Status read_status(const Record& manifest, const RunDirectory& directory) {
  const auto name = manifest.get<std::string>("status");
  const auto* row = std::ranges::find(kStatusNames, name);
  if (row == std::end(kStatusNames))
    fail(ErrorKind::data, "[study] {}: there is no status '{}': {}", manifest.where, name, manifest.advice);
  const auto status = static_cast<Status>(row - std::begin(kStatusNames));
  // One that was killed had no time to say so.
  return status == Status::running && !trainer::is_training(directory) ? Status::interrupted : status;
}

SiteOutcome read_site(const Record& site) {
  return {site.get<std::string>("site"), site.get<std::string>("kind"), site.get<double>("A"),
          site.get<double>("F"),         site.get<double>("D"),         site.find<int>("bits")};
}

SizeOutcome read_size(const Record& size) {
  return {size.get<double>("weights_mb"), size.get<double>("activations_mb"), size.get<double>("gradients_mb"),
          size.get<double>("bitops"), size.find<double>("mean_bits")};
}

/// What a record's figures say under one of the names; none where it has neither.
std::optional<Figure> read_figure(const Record& record, int64_t step, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto value = record.find<double>(name)) return Figure{name, *value, step};
  return std::nullopt;
}

void read_figures(const Record& manifest, Outcome& outcome) {
  outcome.train_loss = manifest.find<double>("train_loss");
  if (outcome.status == Status::finished) {
    outcome.final = read_figure(manifest, outcome.steps_done, {"test_accuracy", "test_perplexity"});
    // Figures that are no finite numbers are written as null.
    const bool there = manifest.json.contains("test_accuracy") || manifest.json.contains("test_perplexity");
    if (!outcome.final && there) outcome.message = "its final figure is not a finite number";
    if (!outcome.final && !there)
      fail(ErrorKind::data, "[study] {} has no key 'test_accuracy' or 'test_perplexity': {}", manifest.where,
           manifest.advice);
  }
  if (const auto best = manifest.json.find("best"); best != manifest.json.end()) {
    const Record record{*best, manifest.where + ": best", manifest.advice};
    outcome.best = read_figure(record, record.get<int64_t>("step"), {"test_accuracy", "valid_perplexity"});
  }
}

void read_manifest(const RunDirectory& directory, Outcome& outcome) {
  const Json json = parse(trainer::read_text_file(directory.manifest()), directory.manifest());
  const Record manifest{json, directory.manifest(), advice_for(json, directory)};
  outcome.version = manifest.get<std::string>("version");
  outcome.commit = manifest.get<std::string>("commit");
  outcome.status = read_status(manifest, directory);
  outcome.id = manifest.get<std::string>("id");
  outcome.message = manifest.find<std::string>("message").value_or("");
  outcome.model = manifest.get<std::string>("model");
  outcome.plan = manifest.get<std::string>("plan");
  outcome.recipe = manifest.get<std::string>("recipe");
  outcome.seed = manifest.get<int64_t>("seed");
  outcome.batch = manifest.get<int64_t>("batch");
  outcome.parameters = manifest.get<int64_t>("parameters");
  outcome.steps = manifest.get<int64_t>("steps");
  outcome.steps_done =
      manifest.find<int64_t>("steps_done").value_or(manifest.find<int64_t>("resumed_from").value_or(0));
  const Json data_json = manifest.get<Json>("data");
  const Record data{data_json, directory.manifest() + ": data", manifest.advice};
  outcome.data = data.get<std::string>("name");
  outcome.data_hash = data.get<std::string>("train_hash");
  const Json size_json = manifest.get<Json>("size");
  outcome.size = read_size({size_json, directory.manifest() + ": size", manifest.advice});
  for (const Json& site : manifest.get<Json>("sites"))
    outcome.sites.push_back(read_site({site, directory.manifest() + ": sites", manifest.advice}));
  read_figures(manifest, outcome);
  outcome.seconds = manifest.find<double>("seconds").value_or(0);
  outcome.items_per_second = manifest.find<double>("items_per_second").value_or(0);
  outcome.memory_peak = manifest.find<int64_t>("memory_peak").value_or(0);
  outcome.weights_hash = manifest.find<std::string>("weights_hash").value_or("");
  outcome.compiler = manifest.get<std::string>("compiler");
  outcome.cpu = manifest.get<std::string>("cpu");
  outcome.isa = manifest.get<std::string>("isa");
  outcome.threads = manifest.get<int64_t>("threads");
}

void read_event(const Record& line, Outcome& outcome) {
  const auto event = line.get<std::string>("event");
  const auto step = line.get<int64_t>("step");
  if (event == "step") {
    outcome.losses.push_back(
        {step, line.get<double>("loss"), line.get<double>("learning_rate"), line.find<double>("seconds").value_or(0)});
  } else if (event == "evaluation") {
    EvaluationPoint& point = outcome.evaluations.emplace_back();
    point.step = step;
    point.valid = line.json.contains("valid_loss");
    point.loss = line.get<double>(point.valid ? "valid_loss" : "test_loss");
    point.accuracy = line.find<double>("test_accuracy");
    point.top5 = line.find<double>("test_top5_accuracy");
    point.perplexity = line.find<double>(point.valid ? "valid_perplexity" : "test_perplexity");
  }
}

/// A last line that is not whole is of a run that was killed, or is being written.
void read_log(const RunDirectory& directory, Outcome& outcome) {
  if (std::error_code error; !fs::exists(directory.log(), error)) return;
  const std::string text = trainer::read_text_file(directory.log());
  std::istringstream lines(text.substr(0, text.rfind('\n') + 1));
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    const std::string where = fmt::format("{}:{}", directory.log(), number);
    read_event({parse(line, where), where, "it is damaged, or another version wrote it"}, outcome);
  }
}

bool is_run(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "config.toml", error);
}

/// The runs in the folders of `folder`, in the order of their names.
std::vector<std::string> runs_below(const fs::path& folder) {
  std::vector<std::string> runs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (is_run(entry.path())) runs.push_back(entry.path().string());
  std::sort(runs.begin(), runs.end());
  return runs;
}

std::vector<std::string> runs_of(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail(ErrorKind::missing, "[study] there is no folder {}", folder);
  if (is_run(folder)) return {folder};
  std::vector<std::string> runs = runs_below(folder);
  const std::vector<std::string> swept = runs_below(fs::path(folder) / "runs");
  runs.insert(runs.end(), swept.begin(), swept.end());
  if (runs.empty() && fs::is_empty(folder, error))
    fail(ErrorKind::missing, "[study] the folder {} is empty; name a run directory, or a folder of them", folder);
  if (runs.empty())
    fail(ErrorKind::missing,
         "[study] there is no run in {}: neither it, nor a folder in it or in {}/runs, has a config.toml", folder,
         folder);
  return runs;
}

}  // namespace

std::string_view name_of(Status status) { return kStatusNames[static_cast<size_t>(status)]; }

Outcome read_outcome(const std::string& directory, Read what) {
  const RunDirectory run = RunDirectory::open(directory);
  Outcome outcome;
  outcome.directory = directory;
  trainer::apply_layer(outcome.config, trainer::read_config_file(run.config()));
  std::error_code error;
  if (fs::exists(run.manifest(), error)) {
    read_manifest(run, outcome);
  } else {
    outcome.status = trainer::is_training(run) ? Status::running : Status::waiting;
    outcome.model = outcome.config.model;
    outcome.plan = outcome.config.plan;
    outcome.seed = outcome.config.seed;
    outcome.steps = outcome.config.train.steps;
  }
  outcome.steps_done = std::max(outcome.steps_done, last_step(directory));
  if (what == Read::all) read_log(run, outcome);
  return outcome;
}

int64_t last_step(const std::string& directory) {
  constexpr int64_t kEnd = 4096;  // bytes, which hold the last lines
  std::ifstream file(directory + "/log.jsonl", std::ios::binary | std::ios::ate);
  if (!file) return 0;
  const auto size = static_cast<int64_t>(file.tellg());
  file.seekg(std::max<int64_t>(size - kEnd, 0));
  int64_t step = 0;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const Json json = trainer::try_parse_json(line);
    if (!json.is_object()) continue;  // the first of these lines may begin before them
    const auto value = json.find("step");
    if (value != json.end() && value->is_number_integer()) step = value->get<int64_t>();
  }
  return step;
}

std::vector<Outcome> read_outcomes(const std::vector<std::string>& folders, Read what) {
  std::vector<Outcome> outcomes;
  std::set<fs::path> seen;
  for (const std::string& folder : folders)
    for (const std::string& run : runs_of(folder))
      if (seen.insert(fs::weakly_canonical(run)).second) outcomes.push_back(read_outcome(run, what));
  return outcomes;
}

}  // namespace fqt::study
