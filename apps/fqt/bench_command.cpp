#include <fmt/format.h>

#include <memory>
#include <string>

#include "bench/gemm.h"
#include "bench/quantize.h"
#include "engine/kernels/table.h"
#include "engine/parallel.h"
#include "fqt/bench.h"
#include "fqt/output.h"
#include "trainer/json.h"

namespace fqt::program {
namespace {

using trainer::Json;

void run_gemm(const BenchArguments& arguments) {
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

void run_quantize(const BenchArguments& arguments) {
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

}  // namespace

void declare_bench_options(CLI::App& app, BenchArguments& arguments) {
  app.add_option("--threads", arguments.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--repeats", arguments.repeats, "measurements; the median is shown")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", arguments.json, "print the result as one JSON object");
}

Action declare_bench(CLI::App& app) {
  const auto arguments = std::make_shared<BenchArguments>();
  const auto action = std::make_shared<Action>();
  app.require_subcommand(1);

  CLI::App* gemm = app.add_subcommand("gemm", "matrix products, beside oneDNN's where it is built in");
  declare_bench_options(*gemm, *arguments);
  gemm->callback([=] { *action = [arguments] { run_gemm(*arguments); }; });

  CLI::App* quantize = app.add_subcommand("quantize", "rounding values to levels, beside a plain copy of them");
  declare_bench_options(*quantize, *arguments);
  quantize->callback([=] { *action = [arguments] { run_quantize(*arguments); }; });

  CLI::App* step = app.add_subcommand("step", "training steps of a model, and where their time goes");
  step->callback([=, run = declare_bench_step(*step)] { *action = run; });
  return [action] { (*action)(); };
}

}  // namespace fqt::program
