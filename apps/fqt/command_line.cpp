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

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

std::vector<std::string> known_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands(nullptr)) words.push_back(command->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  return words;
}

/// "fqt train"
std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

[[noreturn]] void fail_unknown(const CLI::App& app, const std::string& word) {
  const std::string meant = trainer::did_you_mean(word.substr(0, word.find('=')), known_words(app));
  fail(ErrorKind::usage, "[{}] '{}' is not known here{}", app.get_name(), word,
       meant.empty() ? fmt::format("; see `{} --help`", full_name(app)) : meant);
}

/// The command the arguments got to, whose options errors are about.
const CLI::App& reached(const CLI::App& app) {
  const std::vector<CLI::App*> named = app.get_subcommands();
  return named.empty() ? app : reached(*named.front());
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
    fail(ErrorKind::usage, "[fqt] no command is named; give one of {}", trainer::join(command_names()));
  } catch (const CLI::CallForHelp&) {
    return [help = app.help("", CLI::AppFormatMode::Normal)] { print(help); };
  } catch (const CLI::CallForVersion&) {
    return [] { print(version() + "\n"); };
  } catch (const CLI::ParseError& error) {
    const CLI::App& at = reached(app);
    const std::vector<std::string> unknown = at.remaining().empty() ? app.remaining(true) : at.remaining();
    if (!unknown.empty()) fail_unknown(at, unknown.front());
    fail(ErrorKind::usage, "[{}] {}; see `{} --help`", at.get_name(), error.what(), full_name(at));
  }
}

}  // namespace fqt::program
