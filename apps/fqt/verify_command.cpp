#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/check.h"
#include "fqt/command.h"
#include "fqt/config_options.h"
#include "fqt/output.h"
#include "trainer/json.h"
#include "trainer/text.h"
#include "trainer/verify.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

struct VerifyArguments {
  std::string directory;
  std::vector<Assignment> flags;
  int64_t steps = 0;
  bool json = false, quiet = false;
};

Json to_json(const VerifyArguments& arguments, const Verification& result) {
  Json json{{"run_directory", arguments.directory},
            {"same", result.same()},
            {"steps", result.steps},
            {"steps_on_record", result.of},
            {"losses_compared", result.losses},
            {"weights_compared", result.weights},
            {"diverged", result.diverged},
            {"weights_hash", result.weights_hash}};
  if (!result.same()) {
    json["difference"] = result.difference;
    json["differs"] = result.here;
  }
  return json;
}

std::string to_summary(const Verification& result) {
  std::vector<std::string> steps;
  for (const int64_t step : result.weights) steps.push_back(grouped(step));
  return fmt::format(
      "run again      {} of {} steps{}\n"
      "losses         {} compared, all the same to the last bit\n"
      "weights        {}\n"
      "the same bits\n",
      grouped(result.steps), grouped(result.of),
      result.diverged ? ", and it diverged in the next, as the run on record" : "", grouped(result.losses),
      steps.empty() ? "no hash on record of these steps"
                    : fmt::format("the same after step {}; the hash now is {}", join(steps), result.weights_hash));
}

/// What may be why, for the end of an error.
std::string reasons(const Verification& result) {
  return result.here.empty() ? "program, configuration, bits, data and starting weights are the same: unless the "
                               "folder's files were edited, this is a bug, please report it"
                             : "what is not as it was: " + join(result.here);
}

void run(const VerifyArguments& arguments) {
  const RunDirectory directory = RunDirectory::open(arguments.directory);
  const Interrupt interrupt;
  Progress progress(arguments.quiet);
  const Verification result = verify(directory, arguments.flags, arguments.steps, progress, interrupt);
  if (arguments.json)
    print(to_text(to_json(arguments, result)) + "\n");
  else if (result.same())
    print(to_summary(result));
  if (!result.same())
    fail(ErrorKind::data, "[verify] {} is not reproduced: {}; {}", directory.path(), result.difference,
         reasons(result));
}

}  // namespace

Action declare_verify(CLI::App& app) {
  const auto arguments = std::make_shared<VerifyArguments>();
  app.add_option("directory", arguments->directory, "run directory, as `fqt train` made it")->required();
  app.add_option("--steps", arguments->steps, "the first so many steps alone; all that the run has done if not given")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53).description(""))
      ->type_name("N");
  const Flags flags(arguments, &arguments->flags);
  for (const char* name : {"data", "threads"}) add_key(app, flags, std::string("--") + name, *find_key(name));
  app.add_flag("--json", arguments->json, "print the result as one JSON object");
  app.add_flag("--quiet", arguments->quiet, "show no progress");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
