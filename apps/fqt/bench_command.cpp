#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "bench/clock.h"
#include "bench/gemm.h"
#include "bench/quantize.h"
#include "bench/step.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/host.h"
#include "trainer/json.h"

namespace fqt::program {
namespace {

using trainer::Json;

/// What all benchmarks take. Comparisons want one thread: two noisy cores tell little.
struct Arguments {
  int threads = 1;
  int repeats = 7;
  bool json = false;
  bench::StepOptions step;
};

void declare_common(CLI::App& app, Arguments& arguments) {
  app.add_option("--threads", arguments.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--repeats", arguments.repeats, "measurements; the median is shown")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", arguments.json, "print the result as one JSON object");
}

void run_gemm(const Arguments& arguments) {
  set_threads(arguments.threads);
  const std::vector<bench::GemmRow> rows = bench::run_gemm(arguments.repeats);
  const std::string isa(kernels::active().isa);
  if (arguments.json) {
    Json list = Json::array();
    for (const bench::GemmRow& row : rows) {
      Json entry{{"kernel", row.kernel}, {"order", row.order}, {"M", row.m},
                 {"N", row.n},           {"K", row.k},         {"gops", row.gops}};
      if (row.peer_gops) {
        entry["peer"] = row.peer;
        entry["peer_gops"] = *row.peer_gops;
        entry["ratio"] = row.gops / *row.peer_gops;
      }
      list.push_back(std::move(entry));
    }
    return print(trainer::to_text({{"isa", isa}, {"threads", arguments.threads}, {"rows", list}}) + "\n");
  }
  std::string text = fmt::format(
      "{}, {} thread{}, median of {}; Gop/s, packing included\n{:<11} {:<9} {:>7} {:>5} {:>7} {:>8}", isa,
      arguments.threads, arguments.threads == 1 ? "" : "s", arguments.repeats, "kernel", "order", "M", "N", "K", "fqt");
  text += bench::has_peer() ? fmt::format(" {:>8} {:>6}  of\n", "oneDNN", "ratio") : "  (oneDNN is not built in)\n";
  for (const bench::GemmRow& row : rows) {
    text +=
        fmt::format("{:<11} {:<9} {:>7} {:>5} {:>7} {:>8.1f}", row.kernel, row.order, row.m, row.n, row.k, row.gops);
    if (row.peer_gops)
      text += fmt::format(" {:>8.1f} {:>6.2f}  {}", *row.peer_gops, row.gops / *row.peer_gops, row.peer);
    text += "\n";
  }
  print(text);
}

constexpr int64_t kQuantized = 16 << 20;  ///< values

void run_quantize(const Arguments& arguments) {
  set_threads(arguments.threads);
  const std::vector<bench::QuantizeRow> rows = bench::run_quantize(kQuantized, arguments.repeats);
  const std::string isa(kernels::active().isa);
  if (arguments.json) {
    Json list = Json::array();
    for (const bench::QuantizeRow& row : rows)
      list.push_back({{"name", row.name}, {"bits", row.bits}, {"gbps", row.gbps}, {"of_copy", row.of_copy}});
    return print(
        trainer::to_text({{"isa", isa}, {"threads", arguments.threads}, {"values", kQuantized}, {"rows", list}}) +
        "\n");
  }
  std::string text = fmt::format("{}, {} thread{}, {} float32 values, median of {}\n{:<14} {:>4} {:>7} {:>8}\n", isa,
                                 arguments.threads, arguments.threads == 1 ? "" : "s", kQuantized, arguments.repeats,
                                 "", "bits", "GB/s", "of copy");
  for (const bench::QuantizeRow& row : rows)
    text += fmt::format("{:<14} {:>4} {:>7.2f} {:>8.2f}\n", row.name, row.bits ? std::to_string(row.bits) : "",
                        row.gbps, row.of_copy);
  print(text);
}

void run_step(const Arguments& arguments) {
  set_threads(arguments.threads);
  bench::StepOptions options = arguments.step;
  options.steps = arguments.repeats;
  const std::vector<double> times = bench::run_step(options);
  const double median = bench::median(times), best = *std::min_element(times.begin(), times.end());
  const double items = static_cast<double>(options.batch) / median * 1e3;
  const std::string isa(kernels::active().isa);
  if (arguments.json)
    return print(trainer::to_text({{"model", options.model},
                                   {"plan", options.plan},
                                   {"batch", options.batch},
                                   {"threads", arguments.threads},
                                   {"isa", isa},
                                   {"ms_median", median},
                                   {"ms_min", best},
                                   {"items_per_second", items},
                                   {"peak_rss_mb", trainer::peak_resident_bytes() / 1e6}}) +
                 "\n");
  print(fmt::format(
      "{} at {}, batch {}, {} thread{}, {}: {:.1f} ms a step (median of {}, least {:.1f}), {:.0f} images/s, "
      "{:.0f} MB at most\n",
      options.model, options.plan, options.batch, arguments.threads, arguments.threads == 1 ? "" : "s", isa, median,
      times.size(), best, items, trainer::peak_resident_bytes() / 1e6));
}

}  // namespace

Action declare_bench(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  const auto action = std::make_shared<Action>();
  app.require_subcommand(1);

  CLI::App* gemm = app.add_subcommand("gemm", "matrix products, beside oneDNN's where it is built in");
  declare_common(*gemm, *arguments);
  gemm->callback([=] { *action = [arguments] { run_gemm(*arguments); }; });

  CLI::App* quantize = app.add_subcommand("quantize", "rounding values to levels, beside a plain copy of them");
  declare_common(*quantize, *arguments);
  quantize->callback([=] { *action = [arguments] { run_quantize(*arguments); }; });

  CLI::App* step = app.add_subcommand("step", "training steps of a model on a batch in memory");
  step->add_option("model", arguments->step.model, "model")->capture_default_str();
  step->add_option("--plan", arguments->step.plan, "plan")->capture_default_str();
  step->add_option("--batch", arguments->step.batch, "images a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  declare_common(*step, *arguments);
  step->callback([=] { *action = [arguments] { run_step(*arguments); }; });
  return [action] { (*action)(); };
}

}  // namespace fqt::program
