#include "apps/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fqt::test {
namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments, const Process::Environment& environment,
                         const std::string& working_directory, const std::string& out, const std::string& err) {
  const auto redirect = [](const std::string& path, int to) {
    dup2(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), to);
  };
  redirect(out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  if (chdir(working_directory.c_str()) != 0) _exit(126);
  std::vector<char*> argv{const_cast<char*>(FQT_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(FQT_PROGRAM, argv.data());
  _exit(127);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fqt-test-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

Process::Process(const std::vector<std::string>& arguments, const Environment& environment,
                 const std::string& working_directory) {
  pid_ = fork();
  if (pid_ == 0)
    become(arguments, environment, working_directory.empty() ? folder_.path() : working_directory, folder_ / "out",
           folder_ / "err");
}

Process::~Process() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const { kill(pid_, number); }

Outcome Process::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(folder_ / "out"),
          read(folder_ / "err")};
}

Outcome fqt_program(const std::vector<std::string>& arguments, const Process::Environment& environment,
                    const std::string& working_directory) {
  return Process(arguments, environment, working_directory).wait();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace fqt::test
