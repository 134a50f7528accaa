#include "study/results.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "engine/check.h"
#include "trainer/descriptor.h"
#include "trainer/files.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::Json;

void add_figure(Json& row, const std::string& prefix, const std::optional<Figure>& figure) {
  row[prefix + "_metric"] = figure ? Json(figure->name) : Json();
  row[prefix] = figure ? Json(figure->value) : Json();
  row[prefix + "_step"] = figure ? Json(figure->step) : Json();
}

std::string csv_value(const Json& value) {
  if (value.is_null()) return "";
  return trainer::csv_field(value.is_string() ? value.get<std::string>() : trainer::to_text(value));
}

}  // namespace

Json result_row(const SweepRun& run, const RunState& state) {
  const Outcome outcome = state.outcome.value_or(Outcome{});
  const bool measured = outcome.seconds > 0;
  Json row{{"name", run.name},
           {"id", run.id},
           {"status", name_of(state.status)},
           {"model", run.config.model},
           {"data", run.data},
           {"plan", run.config.plan},
           {"recipe", trainer::describe_recipe(run.config)},
           {"seed", run.config.seed},
           {"batch", run.config.train.batch},
           {"steps", run.config.train.steps},
           {"steps_done", outcome.steps_done}};
  add_figure(row, "final", outcome.final);
  add_figure(row, "best", outcome.best);
  row["train_loss"] = outcome.train_loss ? Json(*outcome.train_loss) : Json();
  row["weights_mb"] = quant::megabytes(run.size.weights);
  row["activations_mb"] = quant::megabytes(run.size.activations);
  row["gradients_mb"] = quant::megabytes(run.size.gradients);
  row["bitops"] = static_cast<int64_t>(run.size.bit_operations);
  row["mean_bits"] = run.size.mean_bits > 0 ? Json(run.size.mean_bits) : Json();
  row["seconds"] = measured ? Json(outcome.seconds) : Json();
  row["items_per_second"] = measured ? Json(outcome.items_per_second) : Json();
  row["memory_peak"] = measured ? Json(outcome.memory_peak) : Json();
  row["threads"] = measured ? Json(outcome.threads) : Json();
  row["weights_hash"] = outcome.weights_hash.empty() ? Json() : Json(outcome.weights_hash);
  row["version"] = outcome.version.empty() ? Json() : Json(outcome.version);
  row["commit"] = outcome.commit.empty() ? Json() : Json(outcome.commit);
  row["message"] = state.message.empty() ? Json() : Json(state.message);
  row["directory"] = run.directory;
  return row;
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
    for (const auto& [key, value] : row.items()) fields.push_back(csv_value(value));
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
