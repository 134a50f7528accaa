#include "study/results.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/check.h"
#include "trainer/descriptor.h"
#include "trainer/files.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;
namespace fs = std::filesystem;

void add_figure(Json& row, const std::string& prefix, const std::optional<Figure>& figure) {
  row[prefix + "_metric"] = figure ? Json(figure->name) : Json();
  row[prefix] = figure ? Json(figure->value) : Json();
  row[prefix + "_step"] = figure ? Json(figure->step) : Json();
}

std::string csv_value(const Json& value) {
  if (value.is_null()) return "";
  return trainer::csv_field(value.is_string() ? value.get<std::string>() : trainer::to_text(value));
}

Json row_of(const std::string& name, const Outcome& outcome, Status status, const std::string& message) {
  const bool measured = outcome.seconds > 0;
  Json row{
      {"name", name},           {"id", outcome.id},       {"status", name_of(status)},       {"model", outcome.model},
      {"data", outcome.data},   {"plan", outcome.plan},   {"recipe", outcome.recipe},        {"seed", outcome.seed},
      {"batch", outcome.batch}, {"steps", outcome.steps}, {"steps_done", outcome.steps_done}};
  add_figure(row, "final", outcome.final);
  add_figure(row, "best", outcome.best);
  row["train_loss"] = outcome.train_loss ? Json(*outcome.train_loss) : Json();
  row["weights_mb"] = outcome.size.weights_mb;
  row["activations_mb"] = outcome.size.activations_mb;
  row["gradients_mb"] = outcome.size.gradients_mb;
  row["bitops"] = static_cast<int64_t>(outcome.size.bitops);
  row["mean_bits"] = outcome.size.mean_bits ? Json(*outcome.size.mean_bits) : Json();
  row["seconds"] = measured ? Json(outcome.seconds) : Json();
  row["items_per_second"] = measured ? Json(outcome.items_per_second) : Json();
  row["memory_peak"] = measured ? Json(outcome.memory_peak) : Json();
  row["threads"] = measured ? Json(outcome.threads) : Json();
  row["weights_hash"] = outcome.weights_hash.empty() ? Json() : Json(outcome.weights_hash);
  row["version"] = outcome.version.empty() ? Json() : Json(outcome.version);
  row["commit"] = outcome.commit.empty() ? Json() : Json(outcome.commit);
  row["message"] = message.empty() ? Json() : Json(message);
  row["directory"] = outcome.directory;
  return row;
}

/// By name: what results.jsonl holds. Lines that are no rows are left out.
std::map<std::string, Json> rows_on_record(const SweepFolder& folder) {
  std::map<std::string, Json> rows;
  std::ifstream lines(folder.results_jsonl());
  for (std::string line; std::getline(lines, line);) {
    const Json row = trainer::try_parse_json(line);
    const auto name = row.is_object() ? row.find("name") : row.end();
    if (name != row.end() && name->is_string()) rows[name->get<std::string>()] = row;
  }
  return rows;
}

/// None of a run of which nothing but the configuration is written.
std::optional<Json> row_in(const std::string& directory, const std::string& name, const SweepFolder& folder) {
  const Outcome outcome = read_outcome(directory, Read::summary);
  if (outcome.id.empty()) return std::nullopt;
  const auto [status, message] = with_failure(outcome.status, outcome.message, folder.failure(name));
  return row_of(name, outcome, status, message);
}

}  // namespace

Outcome outcome_of(const SweepRun& run, const RunState& state) {
  if (state.outcome && !state.outcome->id.empty()) return *state.outcome;
  Outcome outcome;
  outcome.directory = run.directory;
  outcome.id = run.id;
  outcome.config = run.config;
  outcome.model = run.config.model;
  outcome.data = run.data;
  outcome.plan = run.config.plan;
  outcome.recipe = trainer::describe_recipe(run.config);
  outcome.seed = run.config.seed;
  outcome.batch = run.config.train.batch;
  outcome.steps = run.config.train.steps;
  outcome.size = {quant::megabytes(run.size.weights), quant::megabytes(run.size.activations),
                  quant::megabytes(run.size.gradients), run.size.bit_operations, std::nullopt};
  if (run.size.mean_bits > 0) outcome.size.mean_bits = run.size.mean_bits;
  return outcome;
}

Json result_row(const SweepRun& run, const RunState& state) {
  return row_of(run.name, outcome_of(run, state), state.status, state.message);
}

std::vector<Json> other_rows(const SweepFolder& folder, const std::vector<SweepRun>& runs) {
  std::map<std::string, Json> rows;
  std::error_code error;
  for (auto& [name, row] : rows_on_record(folder))
    if (fs::exists(folder.runs() + "/" + name, error) || fs::exists(folder.failure(name), error)) rows[name] = row;
  for (const auto& entry : fs::directory_iterator(folder.runs(), error)) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::find(runs, name, &SweepRun::name) != runs.end()) continue;
    try {
      if (const std::optional<Json> row = row_in(entry.path().string(), name, folder)) rows[name] = *row;
    } catch (const Error&) {
      // It is of no sweep, or another version's: what is on record of it stays.
    }
  }
  for (const SweepRun& run : runs) rows.erase(run.name);
  std::vector<Json> others;
  for (auto& [name, row] : rows) others.push_back(std::move(row));
  return others;
}

std::string to_csv(const std::vector<Json>& rows) {
  std::string csv;
  const auto add_line = [&](const std::vector<std::string>& fields) { csv += trainer::join(fields, ",") + "\n"; };
  if (rows.empty()) return csv;
  std::vector<std::string> fields;
  for (const auto& [key, value] : rows.front().items()) fields.push_back(key);
  add_line(fields);
  for (const Json& row : rows) {
    fields.clear();
    for (const auto& [key, value] : rows.front().items()) fields.push_back(csv_value(row.value(key, Json())));
    add_line(fields);
  }
  return csv;
}

void write_results(const SweepFolder& folder, const std::function<std::vector<Json>()>& rows_now) {
  const trainer::Descriptor lock(folder.results_lock(), O_RDWR | O_CREAT);
  if (!lock.open())
    fail(ErrorKind::io, "[sweep] {} cannot be written: {}", folder.results_lock(), std::strerror(errno));
  ::flock(lock.get(), LOCK_EX);  // file systems that know no locks are trusted
  const std::vector<Json> rows = rows_now();
  std::string lines;
  for (const Json& row : rows) lines += trainer::to_text(row) + "\n";
  trainer::write_text_file(folder.results_jsonl(), lines);
  trainer::write_text_file(folder.results_csv(), to_csv(rows));
}

}  // namespace fqt::study
