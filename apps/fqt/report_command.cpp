#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "fqt/command.h"
#include "fqt/output.h"
#include "study/outcome.h"
#include "study/report/report.h"
#include "study/report/summary.h"
#include "trainer/files.h"
#include "trainer/json.h"

namespace fqt::program {
namespace {

struct ReportArguments {
  std::vector<std::string> folders;
  std::string file = "report.html";
  bool json = false;
};

void run(const ReportArguments& arguments) {
  const std::vector<study::Outcome> runs = study::read_outcomes(arguments.folders);
  const std::string html = study::report_html(runs);
  trainer::write_text_file(arguments.file, html);
  if (arguments.json) {
    trainer::Json json{{"file", arguments.file}, {"bytes", html.size()}};
    json.update(study::report_json(runs));
    print(trainer::to_text(json) + "\n");
    return;
  }
  print(fmt::format("{}\nwrote {} ({:.1f} MB); open it in a browser\n", study::counts_in_words(runs), arguments.file,
                    static_cast<double>(html.size()) / 1e6));
}

}  // namespace

Action declare_report(CLI::App& app) {
  const auto arguments = std::make_shared<ReportArguments>();
  app.add_option("directories", arguments->folders, "run directories, or folders of them, as a sweep's")
      ->required()
      ->type_name("DIR");
  app.add_option("-o,--output", arguments->file, "the file to write")->type_name("FILE.html")->capture_default_str();
  app.add_flag("--json", arguments->json, "print what the report holds as one JSON object");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
