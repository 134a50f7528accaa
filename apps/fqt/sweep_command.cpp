#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/parallel.h"
#include "fqt/command.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "study/sweep.h"
#include "trainer/terminal.h"
#include "trainer/text.h"

namespace fqt::program {
namespace {

using namespace fqt::study;
using trainer::Json;
using trainer::to_text;

struct SweepArguments {
  std::string spec, out;
  SweepChoices choices;
  std::vector<std::string> places;
  std::vector<trainer::Assignment> set;
  int64_t jobs = 0;     ///< 0: as many as there are processors for
  int64_t threads = 0;  ///< of each run; 0: (processors / jobs)
  int64_t index = 0;    ///< from 1; 0: all
  bool retry = false, emit = false, status = false, dry_run = false, toml = false, json = false, quiet = false;
};

/// What is left open is such that as many threads work as there are processors, or one for each job.
Share share_of(const SweepArguments& arguments, size_t runs) {
  const auto processors = static_cast<int64_t>(threads());
  const int64_t wanted =
      arguments.jobs > 0 ? arguments.jobs : processors / std::clamp<int64_t>(arguments.threads, 1, processors);
  const int64_t jobs = std::max<int64_t>(std::min(wanted, static_cast<int64_t>(runs)), 1);
  const int64_t each = arguments.threads > 0 ? arguments.threads : std::max<int64_t>(processors / jobs, 1);
  return {static_cast<int>(jobs), static_cast<int>(each)};
}

SweepChoices choices_of(const SweepArguments& arguments, const SweepSpec& spec) {
  SweepChoices choices = arguments.choices;
  choices.set = arguments.set;
  choices.out = arguments.out;
  if (choices.out.empty())
    choices.out = "sweeps/" + spec.name + (choices.scale == scales().front() ? "" : "-" + choices.scale);
  // What is emitted can be run from anywhere.
  choices.out = std::filesystem::absolute(choices.out).lexically_normal().string();
  return choices;
}

/// A command for each run that is left, from its beginning or from its last checkpoint.
void emit(const Sweep& sweep, const SweepArguments& arguments, const std::vector<RunState>& states) {
  const int threads = share_of(arguments, sweep.runs().size()).threads;
  std::string lines;
  Json commands = Json::array();
  for (size_t i = 0; i < states.size(); ++i) {
    if (!is_left(states[i].status, arguments.retry)) continue;
    const SweepRun& run = sweep.runs()[i];
    const std::string line = quoted(words_for(run, threads));
    lines += line + "\n";
    commands.push_back({{"index", i + 1}, {"name", run.name}, {"id", run.id}, {"command", line}});
  }
  print(arguments.json ? to_text({{"commands", commands}}) + "\n" : lines);
}

void report(const Sweep& sweep, const SweepArguments& arguments, const std::string& text) {
  const std::vector<RunState> states = sweep.states();
  if (arguments.json) return print(to_text(sweep_json(sweep, states)) + "\n");
  print(fmt::format("{}{}\nresults   {}\n          {}\n", text, describe_counts(states), sweep.folder().results_jsonl(),
                    sweep.folder().results_csv()));
}

/// Error(data) where runs have failed.
void check_none_failed(const Sweep& sweep, const SweepArguments& arguments) {
  const std::vector<RunState> states = sweep.states();
  std::vector<std::string> failed;
  for (size_t i = 0; i < states.size(); ++i)
    if (states[i].status == Status::failed && (arguments.index == 0 || static_cast<int64_t>(i) + 1 == arguments.index))
      failed.push_back(fmt::format("{}: {}", sweep.runs()[i].name, states[i].message));
  if (!failed.empty())
    fail(ErrorKind::data, "[sweep] {} failed, and --retry runs {} again:\n  {}",
         failed.size() == 1 ? "a run" : fmt::format("{} runs", failed.size()), failed.size() == 1 ? "it" : "them",
         trainer::join(failed, "\n  "));
}

/// Whole names where no one looks at them on a terminal.
size_t width_of_output() {
  return trainer::is_terminal(STDOUT_FILENO) ? static_cast<size_t>(trainer::terminal_width(STDOUT_FILENO)) : SIZE_MAX;
}

void print_estimate(const Sweep& sweep, const SweepArguments& arguments, const std::vector<Work>& work, Share share) {
  const std::vector<RunState> states = sweep.states();
  if (!arguments.json) return print(status_text(sweep, states, width_of_output()) + estimate_text(work, share) + "\n");
  Json json = sweep_json(sweep, states);
  json["estimate"] = estimate_json(work, share);
  print(to_text(json) + "\n");
}

void run_sweep(const Sweep& sweep, const SweepArguments& arguments) {
  const trainer::Interrupt interrupt;
  trainer::Progress progress(arguments.quiet);
  SweepOptions options{.share = share_of(arguments, sweep.runs().size()), .retry = arguments.retry};
  if (arguments.index > 0) {
    check(arguments.index <= static_cast<int64_t>(sweep.runs().size()),
          "[sweep] --index {}: the sweep has {} runs, from 1 on", arguments.index, sweep.runs().size());
    options.index = static_cast<size_t>(arguments.index - 1);
  }
  if (arguments.dry_run) {
    std::vector<Work> work = sweep.work(options, progress);
    estimate(work, options.share, progress, interrupt);
    return print_estimate(sweep, arguments, work, options.share);
  }
  sweep.run(options, progress, interrupt);
  report(sweep, arguments, summary_text(sweep, sweep.states()) + "\n");
  check_none_failed(sweep, arguments);
}

void run(const SweepArguments& arguments) {
  SweepSpec spec = read_sweep(arguments.spec);
  if (arguments.toml) return print(spec.toml);
  const SweepChoices choices = choices_of(arguments, spec);
  const Sweep sweep(std::move(spec), choices, DataPlaces(arguments.places));
  if (sweep.spec().sizes_only) {
    sweep.folder().make();
    sweep.write_results();
    return report(sweep, arguments, sizes_text(sweep.runs()));
  }
  if (arguments.emit) return emit(sweep, arguments, sweep.states());
  if (!arguments.status) return run_sweep(sweep, arguments);
  const std::vector<RunState> states = sweep.states();
  print(arguments.json ? to_text(sweep_json(sweep, states)) + "\n" : status_text(sweep, states, width_of_output()));
}

std::string built_in_help() {
  std::string help = "Built-in sweeps (--toml prints one, to be edited):\n";
  for (const BuiltInSweep& sweep : built_in_sweeps())
    help += fmt::format("  {:<10} {}\n", sweep.name, read_sweep(std::string(sweep.name)).description);
  return help;
}

}  // namespace

Action declare_sweep(CLI::App& app) {
  const auto arguments = std::make_shared<SweepArguments>();
  const Flags flags(arguments, &arguments->set);
  std::vector<std::string> names(scales().begin(), scales().end());
  app.add_option("spec", arguments->spec, "a built-in sweep by name, or a TOML file")->required()->type_name("SPEC");
  app.add_option("--out", arguments->out, "folder of the sweep; left out, sweeps/SPEC")->type_name("DIR");
  app.add_option("--scale", arguments->choices.scale, "lengths: a night on a laptop, or those of the study")
      ->check(CLI::IsMember(names))
      ->capture_default_str()
      ->type_name("");
  app.add_option("--data", arguments->places, "where data of this name lies; may be repeated")
      ->type_name("NAME=PATH")
      ->expected(1)
      ->take_all();
  add_set(app, flags);
  app.add_option("--jobs", arguments->jobs,
                 "runs at a time, which share the processors; left out, as many as there are")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("");
  app.add_option("--threads", arguments->threads, "threads of each run; left out, processors / jobs")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("");
  app.add_flag("--retry", arguments->retry, "run failed ones again, too");
  CLI::Option* index =
      app.add_option("--index", arguments->index, "run only this one, counted from 1 as --status does");
  index->check(CLI::Range(1, 1 << 30).description(""))->type_name("");
  CLI::Option* emit =
      app.add_flag("--emit", arguments->emit, "print a command for each run that is left, and run nothing");
  CLI::Option* status = app.add_flag("--status", arguments->status, "say how far each run is, and run nothing");
  CLI::Option* dry = app.add_flag("--dry-run", arguments->dry_run, "say how long it would take, and run nothing");
  CLI::Option* toml = app.add_flag("--toml", arguments->toml, "print the spec");
  emit->excludes(status)->excludes(dry)->excludes(toml)->excludes(index);
  status->excludes(dry)->excludes(toml)->excludes(index);
  dry->excludes(toml);
  app.add_flag("--json", arguments->json, "print one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  app.footer(built_in_help);
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
