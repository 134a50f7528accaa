#include "study/run_state.h"

#include <csignal>
#include <cstring>
#include <filesystem>

#include "engine/check.h"
#include "trainer/checkpoints.h"
#include "trainer/files.h"
#include "trainer/host.h"
#include "trainer/run_directory.h"

namespace fqt::study {
namespace {

namespace fs = std::filesystem;
using trainer::RunDirectory;

constexpr int kInterrupted = 130;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_run(const SweepRun& run) { return exists(run.directory + "/config.toml"); }

bool can_go_on(const SweepRun& run) {
  return is_run(run) && !trainer::checkpoint_files(RunDirectory::open(run.directory)).empty();
}

/// Error(data) where a row of this outcome would not belong beside the others.
void check_same(const Outcome& outcome, const SweepRun& run) {
  if (outcome.version.empty()) return;
  if (outcome.version != trainer::build_info().version)
    fail(ErrorKind::data,
         "[sweep] {} was written by fqt {}, and this is fqt {}, which need not give the same results; choose another "
         "folder with --out, or remove that one",
         outcome.directory, outcome.version, trainer::build_info().version);
  if (outcome.id != run.id)
    fail(ErrorKind::data,
         "[sweep] {} holds another run than its name says (id {}, not {}); remove it, or choose another folder with "
         "--out",
         outcome.directory, outcome.id, run.id);
}

/// The last thing the program said that was an error, without "fqt: ".
std::string last_error(const std::string& log) {
  if (!exists(log)) return "";
  const std::string text = trainer::read_text_file(log);
  constexpr std::string_view kStart = "fqt: ";
  const size_t at = text.rfind("\n" + std::string(kStart));
  const size_t begin = at != std::string::npos ? at + 1 : 0;
  if (!std::string_view(text).substr(begin).starts_with(kStart)) return "";
  const size_t end = text.find('\n', begin);
  return text.substr(begin + kStart.size(), end - begin - kStart.size());
}

}  // namespace

void SweepFolder::make() const {
  std::error_code error;
  for (const char* part : {"/runs", "/logs"}) {
    fs::create_directories(path_ + part, error);
    if (error)
      fail(ErrorKind::io, "[sweep] the folder {} cannot be made: {}; choose another with --out DIR", path_ + part,
           error.message());
  }
}

RunState state_of(const SweepRun& run, const SweepFolder& folder) {
  RunState state;
  if (is_run(run)) {
    state.outcome = read_outcome(run.directory, Read::summary);
    check_same(*state.outcome, run);
    state.status = state.outcome->status;
    state.message = state.outcome->message;
  }
  const bool ended = state.status == Status::finished || state.status == Status::diverged;
  if (!ended && state.status != Status::running && exists(folder.failure(run))) {
    state.status = Status::failed;
    state.message = trainer::read_text_file(folder.failure(run));
  }
  return state;
}

bool is_left(Status status, bool retry) {
  return status == Status::waiting || status == Status::interrupted || (status == Status::failed && retry);
}

std::vector<std::string> words_for(const SweepRun& run, int threads) {
  std::vector<std::string> words{this_program()};
  const auto add = [&](const std::vector<std::string>& more) { words.insert(words.end(), more.begin(), more.end()); };
  if (!can_go_on(run)) {
    add(train_arguments(run, threads));
    return words;
  }
  add({"train", "--resume", run.directory, "--threads", std::to_string(threads)});
  for (const trainer::Assignment& assignment : run.assignments)
    if (assignment.key == "data") add({"--data", assignment.text});  // it may have moved
  return words;
}

Command command_for(const SweepRun& run, const SweepFolder& folder, int threads) {
  std::error_code ignored;
  fs::remove(folder.failure(run), ignored);
  if (!can_go_on(run)) fs::remove_all(run.directory, ignored);
  return {words_for(run, threads), folder.log(run)};
}

RunState state_after(const SweepRun& run, const SweepFolder& folder, Exit exit) {
  RunState state = state_of(run, folder);
  const bool ended = state.status == Status::finished || state.status == Status::diverged;
  if (state.status == Status::running) return state;  // another process has taken it over
  if (ended || exit.code == kInterrupted || exit.code == 128 + SIGINT) return state;
  std::string message = last_error(folder.log(run));
  if (exit.code > 128) message = fmt::format("ended by signal {} ({})", exit.code - 128, ::strsignal(exit.code - 128));
  if (message.empty()) message = fmt::format("ended with exit code {}; see {}", exit.code, folder.log(run));
  trainer::write_text_file(folder.failure(run), message);
  state.status = Status::failed;
  state.message = message;
  return state;
}

}  // namespace fqt::study
