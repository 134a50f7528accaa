#include <fmt/format.h>

#include <string>

#include "data/open.h"
#include "engine/kernels/table.h"
#include "engine/optim/schedule.h"
#include "engine/parallel.h"
#include "fqt/command.h"
#include "fqt/output.h"
#include "layers/norm.h"
#include "models/zoo.h"
#include "quant/formats/format.h"
#include "quant/plan/plan.h"
#include "quant/ranges/estimator.h"
#include "quant/rounding.h"
#include "trainer/host.h"

namespace fqt::program {
namespace {

void print_info() {
  const trainer::BuildInfo& build = trainer::build_info();
  std::string text =
      fmt::format("fqt        {}, commit {}, built with {}\n", build.version, build.commit, build.compiler);
  text += fmt::format("processor  {}, {} threads\n", trainer::cpu_model(), threads());
  text += "kernels\n";
  for (const kernels::Isa& isa : kernels::all_isas()) {
    const bool used = isa.supported() && kernels::active().isa == isa.name;
    text += fmt::format("  {:<14} {}{}\n", isa.name, isa.description,
                        used              ? " (in use)"
                        : isa.supported() ? ""
                                          : " (not on this processor)");
  }
  text += "models\n";
  for (const models::ModelKind& kind : models::model_kinds())
    text += fmt::format("  {:<14} {}\n", kind.name, kind.description);
  text += "data\n";
  for (const data::DataKind& kind : data::data_kinds())
    text +=
        fmt::format("  {:<14} {}{}\n", kind.name, kind.description, kind.built_in ? " (built in)" : " (by its path)");
  text += "plans\n";
  for (const quant::Strategy& strategy : quant::strategies()) text += fmt::format("  {}\n", strategy.usage);
  text += "formats\n";
  for (const quant::Format& format : quant::formats()) text += fmt::format("  {}\n", format.name);
  text += "roundings\n";
  for (int i = 0; i < kernels::kRoundings; ++i)
    text += fmt::format("  {}\n", quant::rounding_name(static_cast<quant::Rounding>(i)));
  text += "ranges\n";
  for (const quant::RangeEstimator& estimator : quant::range_estimators())
    text += fmt::format("  {:<14} {}\n", estimator.name, estimator.description);
  text += "norms\n";
  for (const layers::NormKind& kind : layers::norm_kinds())
    text += fmt::format("  {:<14} {}\n", kind.name, kind.description);
  text += "schedules\n";
  for (const optim::Schedule& schedule : optim::schedules()) text += fmt::format("  {}\n", schedule.name);
  print(text);
}

}  // namespace

Action declare_info(CLI::App&) { return print_info; }

}  // namespace fqt::program
