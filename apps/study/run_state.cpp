#include "study/run_state.h"

#include <csignal>
#include <filesystem>
#include <tuple>

#include "engine/check.h"
#include "trainer/files.h"
#include "trainer/host.h"

namespace fqt::study {
namespace {

namespace fs = std::filesystem;

constexpr int kInterrupted = 130;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_run(const SweepRun& run) { return exists(run.directory + "/config.toml"); }

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

std::pair<Status, std::string> with_failure(Status status, const std::string& message, const std::string& failure) {
  const bool stands = status == Status::finished || status == Status::diverged || status == Status::running;
  if (stands || !exists(failure)) return {status, message};
  return {Status::failed, trainer::read_text_file(failure)};
}

RunState state_of(const SweepRun& run, const SweepFolder& folder) {
  RunState state;
  if (is_run(run)) {
    state.outcome = read_outcome(run.directory, Read::summary);
    check_same(*state.outcome, run);
    state.status = state.outcome->status;
    state.message = state.outcome->message;
  }
  std::tie(state.status, state.message) = with_failure(state.status, state.message, folder.failure(run.name));
  return state;
}

bool is_left(Status status, bool retry) {
  return status == Status::waiting || status == Status::interrupted || (status == Status::failed && retry);
}

std::vector<std::string> words_for(const SweepRun& run, int threads) {
  std::vector<std::string> words{this_program()};
  const std::vector<std::string> arguments = train_arguments(run, threads);
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.emplace_back("--continue");
  return words;
}

Command command_for(const SweepRun& run, const SweepFolder& folder, int threads) {
  std::error_code ignored;
  fs::remove(folder.failure(run.name), ignored);
  return {words_for(run, threads), folder.log(run)};
}

RunState state_after(const SweepRun& run, const SweepFolder& folder, Exit exit) {
  RunState state = state_of(run, folder);
  const bool ended = state.status == Status::finished || state.status == Status::diverged;
  if (state.status == Status::running) return state;  // another process has taken it over
  if (ended || exit.code == kInterrupted || exit.code == 128 + SIGINT) return state;
  const std::string message = fmt::format("{} (log: {})", reason_of(exit, folder.log(run)), folder.log(run));
  trainer::write_text_file(folder.failure(run.name), message);
  state.status = Status::failed;
  state.message = message;
  return state;
}

}  // namespace fqt::study
