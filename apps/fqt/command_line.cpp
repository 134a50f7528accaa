#include "fqt/command_line.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/check.h"
#include "fqt/output.h"
#include "trainer/host.h"
#include "trainer/text.h"

namespace fqt::program {
namespace {

std::string version() {
  const trainer::BuildInfo& build = trainer::build_info();
  return fmt::format("fqt {} (commit {})", build.version, build.commit);
}

std::vector<std::string> known_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands(nullptr)) words.push_back(command->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  return words;
}

[[noreturn]] void fail_unknown(const CLI::App& app, const std::string& word) {
  fail(ErrorKind::usage, "[{}] '{}' is not known here{}; see `{} --help`", app.get_name(), word,
       trainer::did_you_mean(word.substr(0, word.find('=')), known_words(app)),
       app.get_parent() ? "fqt " + app.get_name() : "fqt");
}

/// The command the arguments got to: errors are about its options.
const CLI::App& reached(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) return *command;
  return app;
}

}  // namespace

Action read_command_line(int argc, char** argv) {
  CLI::App app("fully quantized training: neural networks trained on low-bit integers", "fqt");
  app.set_version_flag("--version", version());
  std::vector<Action> actions(commands().size());
  for (size_t i = 0; i < commands().size(); ++i) {
    const Command& command = commands()[i];
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->set_version_flag("--version", version());
    actions[i] = command.declare(*sub);
  }
  try {
    app.parse(argc, argv);
    for (size_t i = 0; i < commands().size(); ++i)
      if (app.got_subcommand(std::string(commands()[i].name))) return actions[i];
    return [help = app.help()] { print(help); };
  } catch (const CLI::CallForHelp&) {
    return [help = app.help("", CLI::AppFormatMode::Normal)] { print(help); };
  } catch (const CLI::CallForVersion&) {
    return [] { print(version() + "\n"); };
  } catch (const CLI::ParseError& error) {
    const CLI::App& at = reached(app);
    const std::vector<std::string> unknown = at.remaining().empty() ? app.remaining(true) : at.remaining();
    if (!unknown.empty()) fail_unknown(at, unknown.front());
    fail(ErrorKind::usage, "[{}] {}; see `{} --help`", at.get_name(), error.what(),
         at.get_parent() ? "fqt " + at.get_name() : "fqt");
  }
}

}  // namespace fqt::program
