#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "data/fetch/fetch.h"
#include "data/find.h"
#include "data/make.h"
#include "data/verify.h"
#include "engine/hash.h"
#include "engine/math.h"
#include "fqt/command.h"
#include "fqt/output.h"
#include "trainer/interrupt.h"
#include "trainer/json.h"
#include "trainer/progress.h"
#include "trainer/text.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

struct Arguments {
  std::string name, directory, out;
  data::FetchOptions fetch;
  data::DataOptions open;
  data::MakeOptions make;
  int64_t seed = 1;
  bool json = false, quiet = false;
};

/// Where data lies: --dir, else FQT_DATA, else the folder `data` here.
std::string data_directory(const Arguments& arguments) {
  return arguments.directory.empty() ? data::data_directory() : arguments.directory;
}

/// What --dir names, else all that may hold data here.
std::vector<data::Found> find_all(const Arguments& arguments) {
  return arguments.directory.empty() ? data::find_data_here() : data::find_data(arguments.directory);
}

void run_list(const Arguments& arguments) {
  const std::vector<data::Found> found = find_all(arguments);
  if (arguments.json) {
    Json built_in = Json::array(), here = Json::array(), downloads = Json::array();
    for (const data::DataKind& kind : data::data_kinds())
      if (kind.built_in) built_in.push_back({{"name", kind.name}, {"description", kind.description}});
    for (const data::Found& data : found) here.push_back({{"path", data.path}, {"kind", data.kind->name}});
    for (const data::Source& source : data::sources())
      downloads.push_back({{"name", source.name}, {"description", source.description}, {"url", source.url}});
    return print(to_text({{"built_in", built_in}, {"found", here}, {"downloads", downloads}}) + "\n");
  }
  std::string text = "built in (--data NAME)\n";
  for (const data::DataKind& kind : data::data_kinds())
    if (kind.built_in) text += fmt::format("  {:<14} {}\n", kind.name, kind.description);
  text += "read by path (--data PATH)\n";
  for (const data::DataKind& kind : data::data_kinds())
    if (!kind.built_in) text += fmt::format("  {:<14} {}\n", kind.name, kind.description);
  const std::string directory = data_directory(arguments);
  text += fmt::format("found in {}{}\n", directory, arguments.directory.empty() ? " and here" : "");
  for (const data::Found& data : found) text += fmt::format("  {:<14} {}\n", data.kind->name, data.path);
  if (found.empty()) text += "  nothing\n";
  text += "to download (fqt data get NAME)\n";
  for (const data::Source& source : data::sources())
    text += fmt::format("  {:<14} {}\n", source.name, source.description);
  print(text);
}

/// Shows progress in `unit`s of `size`, and ends the work on Ctrl-C.
template <typename Show>
auto watch(Progress& progress, const Interrupt& interrupt, const Show& show) {
  return [&progress, &interrupt, show](auto... state) {
    interrupt.check("data");
    progress.update(show(state...));
  };
}

void run_get(const Arguments& arguments) {
  const data::Source& source = data::find_source(arguments.name);
  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  data::FetchOptions options = arguments.fetch;
  options.directory = data_directory(arguments);
  progress.note(fmt::format("{} from {}", source.name, options.url.empty() ? std::string(source.url) : options.url));
  const auto show = [](int64_t done, int64_t total) {
    constexpr int64_t kMega = 1'000'000;
    return ProgressState{.what = "MB", .done = done / kMega, .total = (total + kMega - 1) / kMega};
  };
  const std::string folder = data::fetch(source, options, watch(progress, interrupt, show));
  print(fmt::format("{}\n", folder));
}

void run_verify(const Arguments& arguments) {
  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  const data::Data data = data::open_data(arguments.name, arguments.open);
  const auto show = [](const std::string& part, int64_t done, int64_t total) {
    return ProgressState{.what = part, .done = done, .total = total};
  };
  const std::vector<data::SplitReport> reports = data::verify(data, watch(progress, interrupt, show));
  const data::TextData* text = data.text();
  if (arguments.json) {
    Json parts = Json::array();
    for (const data::SplitReport& report : reports)
      parts.push_back({{"part", report.name},
                       {text ? "tokens" : "images", report.items},
                       {text ? "words" : "classes", report.kinds},
                       {"hash", to_hex(report.hash)}});
    Json json{{"data", data.name()}, {"path", arguments.name}, {"parts", parts}};
    if (text && text->entropy) json["entropy"] = *text->entropy;
    return print(to_text(json) + "\n");
  }
  std::string lines;
  for (const data::SplitReport& report : reports)
    lines +=
        fmt::format("{:<20} {:>11} {:<6} {:>7} {:<8} hash {}\n", report.name, grouped(report.items),
                    text ? "tokens" : "images", grouped(report.kinds), text ? "words" : "classes", to_hex(report.hash));
  if (text && text->entropy)
    lines += fmt::format("entropy {:.6f} nats a token: no model gets below a perplexity of {:.4f}\n", *text->entropy,
                         math::exp(*text->entropy));
  print(lines);
}

void run_make(const Arguments& arguments) {
  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  data::MakeOptions options = arguments.make;
  options.seed = static_cast<uint64_t>(arguments.seed);
  const auto show = [](int64_t done, int64_t total) {
    return ProgressState{.what = "made", .done = done, .total = total};
  };
  data::make_data(arguments.name, arguments.out, options, watch(progress, interrupt, show));
  print(fmt::format("{}\n", arguments.out));
}

void add_quiet(CLI::App& app, Arguments& arguments) { app.add_flag("--quiet", arguments.quiet, "show no progress"); }

void add_directory(CLI::App& app, Arguments& arguments) {
  app.add_option("--dir", arguments.directory, "folder that data lies in; left out, FQT_DATA, or data")
      ->type_name("DIR");
}

void add_json(CLI::App& app, Arguments& arguments) {
  app.add_flag("--json", arguments.json, "print the result as one JSON object");
}

void declare_list(CLI::App& app, Arguments& arguments) {
  add_directory(app, arguments);
  add_json(app, arguments);
}

void declare_get(CLI::App& app, Arguments& arguments) {
  app.add_option("name", arguments.name, "what to download; `fqt data list` has the names")->required();
  add_directory(app, arguments);
  app.add_option("--url", arguments.fetch.url, "another address of the same archive")->type_name("URL");
  app.add_option("--checksum", arguments.fetch.checksum,
                 "of the archive there, where it is not the official one: md5:... or sha256:...")
      ->type_name("SUM");
  add_quiet(app, arguments);
}

void declare_verify(CLI::App& app, Arguments& arguments) {
  app.add_option("data", arguments.name, "built-in data by name, or a folder or file")->required();
  app.add_option("--side", arguments.open.side, "pixels a side that pictures are cut to")->check(CLI::Range(0, 1024));
  app.add_flag("--coarse", arguments.open.coarse, "CIFAR-100: coarse classes");
  app.add_option("--level", arguments.open.level, "tokens of a text")
      ->check(CLI::IsMember({"auto", "word", "char"}))
      ->type_name("");
  add_json(app, arguments);
  add_quiet(app, arguments);
}

void declare_make(CLI::App& app, Arguments& arguments) {
  constexpr int64_t kMost = 10'000'000;
  app.add_option("name", arguments.name, "shapes or grammar")->required();
  app.add_option("out", arguments.out, "folder to make; it must not exist")->required();
  app.add_option("--side", arguments.make.side,
                 "shapes: a folder of PNG of so many pixels a side, not CIFAR-10's layout")
      ->check(CLI::Range(8, 1024));
  app.add_option("--train", arguments.make.train, "images, or documents of 68 tokens, to train with")
      ->check(CLI::Range(int64_t{1}, kMost));
  app.add_option("--test", arguments.make.test, "to test with, and documents to validate with")
      ->check(CLI::Range(int64_t{1}, kMost));
  app.add_option("--seed", arguments.seed, "the same seed gives the same bytes")
      ->check(kSeeds)
      ->capture_default_str()
      ->type_name("");
  add_quiet(app, arguments);
}

struct Verb {
  const char *name, *summary;
  void (*declare)(CLI::App& app, Arguments& arguments);
  void (*run)(const Arguments& arguments);
};

constexpr Verb kVerbs[] = {
    {"list", "what is built in, what is found, and what can be downloaded", declare_list, run_list},
    {"get", "download public data", declare_get, run_get},
    {"verify", "read every record of some data, and count them", declare_verify, run_verify},
    {"make", "write built-in data in a public format", declare_make, run_make},
};

}  // namespace

Action declare_data(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  const auto action = std::make_shared<Action>();
  app.require_subcommand(1);
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.summary);
    verb.declare(*sub, *arguments);
    sub->callback([=] { *action = [arguments, run = verb.run] { run(*arguments); }; });
  }
  return [action] { (*action)(); };
}

}  // namespace fqt::program
