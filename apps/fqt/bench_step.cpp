#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/step.h"
#include "engine/check.h"
#include "engine/kernels/table.h"
#include "fqt/bench.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/json.h"
#include "trainer/terminal.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;
using profile::kPhaseNames;
using profile::kPhases;

constexpr size_t kShown = 12;  ///< operations, the costliest first
constexpr double kMilli = 1e3;
constexpr int kFigures = 56;  ///< columns of the table of operations behind the name
constexpr int kNarrowestName = 12, kWidestName = 40;
constexpr const char* kModel = "resnet20";
constexpr std::string_view kForTraining[] = {
    "threads",     "out",         "train.steps", "train.epochs",     "eval.every",
    "eval.images", "eval.tokens", "probe.every", "checkpoint.every", "checkpoint.seconds"};

struct StepArguments {
  BenchArguments common;
  std::vector<Assignment> flags;
  std::string trace;  ///< empty: not given
};

bench::StepOptions step_options(const StepArguments& arguments) {
  for (const Assignment& flag : arguments.flags)
    check(std::ranges::find(kForTraining, flag.key) == std::end(kForTraining),
          "{}: a step does not depend on it, or --threads and --repeats say it; leave it out", flag.where);
  bench::StepOptions options;
  options.config = resolve_config({{{"model", kModel, "the default"}}, arguments.flags});
  options.config.threads = arguments.common.threads;
  options.config.train.steps = 1 << 20;  // a schedule over steps must not end before the measurement does
  options.config.train.epochs = 0;
  options.steps = arguments.common.repeats;
  options.random = std::ranges::none_of(arguments.flags, [](const Assignment& flag) { return flag.key == "data"; });
  return options;
}

Json phases_json(const profile::PhaseSeconds& phases) {
  Json object = Json::object();
  for (size_t phase = 0; phase < kPhases; ++phase)
    if (phases[phase] > 0) object[std::string(kPhaseNames[phase])] = phases[phase] * kMilli;
  return object;
}

Json to_json(const bench::StepOptions& options, const bench::StepReport& report) {
  Json operations = Json::array();
  for (const bench::OperationTime& operation : report.breakdown.operations)
    operations.push_back({{"name", operation.name},
                          {"ms", operation.seconds * kMilli},
                          {"ms_backward", operation.backward * kMilli},
                          {"phases", phases_json(operation.phases)}});
  Json peaks = Json::array();
  for (const bench::WidthShare& width : report.widths)
    peaks.push_back({{"bits", width.bits}, {"gop", width.operations * 1e-9}, {"gops", width.peak_gops}});
  return {{"model", options.config.model},
          {"plan", options.config.plan},
          {"data", options.random ? "random" : options.config.data},
          {"batch", options.config.train.batch},
          {"threads", options.config.threads},
          {"isa", kernels::active().isa},
          {"ms_median", report.median_ms()},
          {"ms_min", report.least_ms()},
          {"ms_max", report.most_ms()},
          {"items_per_second", static_cast<double>(report.items) / report.median_ms() * kMilli},
          {"peak_rss_mb", static_cast<double>(peak_resident_bytes()) / 1e6},
          {"gop", report.operations * 1e-9},
          {"gops", report.achieved_gops()},
          {"gops_gemm", report.gemm_gops()},
          {"gops_peak_of_a_thread", report.peak_gops()},
          {"peaks", std::move(peaks)},
          {"recorded_ms", report.breakdown.seconds * kMilli},
          {"phases", phases_json(report.breakdown.phases)},
          {"operations", std::move(operations)}};
}

std::string bar(double share) { return std::string(static_cast<size_t>(std::max(0.0, share * 40 + 0.5)), '#'); }

std::string phase_lines(const bench::Breakdown& breakdown) {
  std::vector<size_t> order;
  for (size_t phase = 0; phase < kPhases; ++phase)
    if (breakdown.phases[phase] > 0) order.push_back(phase);
  std::ranges::sort(order, std::greater(), [&](size_t phase) { return breakdown.phases[phase]; });
  std::string text = fmt::format("{:<12} {:>9} {:>6}\n", "phase", "ms", "%");
  for (const size_t phase : order) {
    const double share = breakdown.phases[phase] / breakdown.seconds;
    text += fmt::format("{:<12} {:>9.2f} {:>6.1f}  {}\n", kPhaseNames[phase], breakdown.phases[phase] * kMilli,
                        100 * share, bar(share));
  }
  return text;
}

std::string operation_lines(const bench::Breakdown& breakdown, int width) {
  using profile::Phase;
  const size_t name_width = static_cast<size_t>(std::clamp(width - kFigures, kNarrowestName, kWidestName));
  std::string text = fmt::format("{:<{}} {:>8} {:>5} {:>8} {:>8} {:>8} {:>6} {:>6}\n", "operation", name_width, "ms",
                                 "%", "backward", "quantize", "gemm", "pack", "epil.");
  const auto of = [](const bench::OperationTime& operation, Phase phase) {
    return operation.phases[static_cast<size_t>(phase)] * kMilli;
  };
  bench::OperationTime rest{.name = ""};
  for (size_t i = kShown; i < breakdown.operations.size(); ++i) {
    const bench::OperationTime& operation = breakdown.operations[i];
    rest.seconds += operation.seconds;
    rest.backward += operation.backward;
    for (size_t phase = 0; phase < kPhases; ++phase) rest.phases[phase] += operation.phases[phase];
  }
  const auto line = [&](const bench::OperationTime& operation) {
    text += fmt::format("{:<{}.{}} {:>8.2f} {:>5.1f} {:>8.2f} {:>8.2f} {:>8.2f} {:>6.2f} {:>6.2f}\n", operation.name,
                        name_width, name_width, operation.seconds * kMilli, 100 * operation.seconds / breakdown.seconds,
                        operation.backward * kMilli, of(operation, Phase::quantize) + of(operation, Phase::range),
                        of(operation, Phase::gemm), of(operation, Phase::pack), of(operation, Phase::epilogue));
  };
  for (size_t i = 0; i < std::min(kShown, breakdown.operations.size()); ++i) line(breakdown.operations[i]);
  if (breakdown.operations.size() <= kShown) return text;
  rest.name = fmt::format("{} others", breakdown.operations.size() - kShown);
  line(rest);
  return text;
}

std::string bits_text(int bits) { return bits == 32 ? "float32" : fmt::format("{} bits", bits); }

/// ": 7 bits", or a line "4 bits 19 %, 6 bits 80 %" of how many of the operations each are, but for traces.
std::string width_text(const bench::StepReport& report) {
  constexpr double kTrace = 0.005;
  std::vector<std::string> shares;
  for (const bench::WidthShare& width : report.widths)
    if (const double share = width.operations / report.operations; share >= kTrace)
      shares.push_back(share > 1 - kTrace ? bits_text(width.bits)
                                          : fmt::format("{} {:.0f} %", bits_text(width.bits), 100 * share));
  return fmt::format("{}{}", shares.size() == 1 ? ": " : ", weighted over\n", fmt::join(shares, ", "));
}

std::string report_text(const bench::StepOptions& options, const bench::StepReport& report) {
  const Config& config = options.config;
  return fmt::format(
             "{} at {}, batch {}, {} thread{}, {}\n"
             "{:.1f} ms a step (median of {}, {:.1f} to {:.1f}), {:.0f} {}/s, {:.0f} MB at most\n"
             "{:.2f} Gop of products a step: {:.1f} Gop/s over all, {:.1f} in gemm\n"
             "{:.1f} Gop/s is the peak of a thread here{}\n",
             config.model, config.plan, config.train.batch, config.threads, config.threads == 1 ? "" : "s",
             kernels::active().isa, report.median_ms(), report.milliseconds.size(), report.least_ms(), report.most_ms(),
             static_cast<double>(report.items) / report.median_ms() * kMilli, report.images ? "images" : "tokens",
             static_cast<double>(peak_resident_bytes()) / 1e6, report.operations * 1e-9, report.achieved_gops(),
             report.gemm_gops(), report.peak_gops(), width_text(report)) +
         fmt::format("\n{} more steps, recorded, of {:.1f} ms each:\n", options.steps,
                     report.breakdown.seconds * kMilli) +
         phase_lines(report.breakdown) + "\n" + operation_lines(report.breakdown, terminal_width(STDOUT_FILENO));
}

void run(const StepArguments& arguments) {
  const bench::StepOptions options = step_options(arguments);
  if (!arguments.trace.empty()) write_text_file(arguments.trace, "");  // said before the measurement, if it cannot be
  const bench::StepReport report = bench::run_step(options);
  if (!arguments.trace.empty()) write_text_file(arguments.trace, bench::chrome_trace(report.events));
  print(arguments.common.json ? to_text(to_json(options, report)) + "\n" : report_text(options, report));
}

}  // namespace

Action declare_bench_step(CLI::App& app) {
  const auto arguments = std::make_shared<StepArguments>();
  const Flags flags(arguments, &arguments->flags);
  add_key(app, flags, "model", *find_key("model"), "NAME");
  for (const char* key : {"data", "plan", "recipe", "train.batch", "seed"})
    add_key(app, flags, std::string(find_key(key)->flag), *find_key(key));
  add_set(app, flags);
  declare_bench_options(app, arguments->common);
  app.add_option("--trace", arguments->trace, "write what was recorded in Chrome's trace format")->type_name("FILE");
  app.footer(
      "The model is resnet20 where none is named; plan and batch are those of `fqt train`. quantize in the table of\n"
      "operations takes in finding the range, epil. is the epilogue: sums to float32.\n"
      "Without --data a step is measured on random values in memory: images of 32 pixels a side and 10 classes\n"
      "(224 and 1,000 for models of ImageNet), or tokens of a vocabulary of 10,000.");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
