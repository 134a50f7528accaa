#include "study/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "quant/plan/metric.h"
#include "study/children.h"
#include "study/report/html.h"
#include "trainer/plan_file.h"
#include "trainer/text.h"

namespace fqt::study {
namespace {

using trainer::grouped;

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string item(const std::string& text) { return fmt::format("<li>{}</li>\n", escaped(text)); }

std::string seeds_in_words(const Setup& setup) {
  size_t least = SIZE_MAX, most = 0;
  for (const PlanRuns& plan : setup.plans) {
    least = std::min(least, plan.runs.size());
    most = std::max(most, plan.runs.size());
  }
  return least == most ? counted(most, "seed") + " each" : fmt::format("{} to {} seeds each", least, most);
}

/// The plan whose mean is best.
const PlanRuns* best_plan(const Setup& setup) {
  const PlanRuns* best = nullptr;
  double best_mean = 0;
  for (const PlanRuns& plan : setup.plans) {
    const std::vector<double> figures = plan.figures();
    if (figures.empty()) continue;
    const double own = mean(figures);
    if (!best || (setup.measure.higher_is_better ? own > best_mean : own < best_mean)) {
      best = &plan;
      best_mean = own;
    }
  }
  return best;
}

std::string setup_in_words(const Setup& setup) {
  std::string text = fmt::format("{}: {}, {}, {}.", setup.title(), counted(setup.plans.size(), "plan"),
                                 seeds_in_words(setup), setup.length());
  if (const PlanRuns* best = best_plan(setup)) {
    const std::vector<double> figures = best->figures();
    text += fmt::format(" The best mean {} is that of {}: {}", setup.measure.name, best->plan,
                        with_unit(setup.measure, mean(figures)));
    text += figures.size() > 1
                ? fmt::format(" (standard deviation {:.2f}, {} seeds).", sample_deviation(figures), figures.size())
                : " (one seed).";
  } else {
    text += " None of them has finished.";
  }
  return text;
}

/// By verdict.
constexpr std::string_view kVerdicts[] = {"C+ is better than C-", "C+ is worse than C-", "no difference found",
                                          "too few seeds to say"};

std::string comparison_in_words(const Setup& setup, const PlanComparison& row) {
  const Comparison& found = row.comparison;
  std::string text = fmt::format("{}, {} beside {}: {}; ", setup.title(), row.plus, row.minus,
                                 kVerdicts[static_cast<size_t>(found.verdict)]);
  if (found.verdict == Verdict::too_few_seeds && found.pairs >= 2)
    return text + fmt::format("C+ minus C- is {:.2f} for each of {}, and without a spread there is no interval.",
                              found.difference, counted(static_cast<size_t>(found.pairs), "seed"));
  if (found.verdict == Verdict::too_few_seeds)
    return text + fmt::format("both have {} in common that finished, and it takes two, better five.",
                              counted(static_cast<size_t>(found.pairs), "seed"));
  return text + fmt::format("C+ minus C- is {:.2f}{} (95 % interval {:.2f} to {:.2f}, {} seeds).", found.difference,
                            setup.measure.higher_is_better ? " points" : "", found.interval.low, found.interval.high,
                            found.pairs);
}

void add_notes(std::span<const Outcome> runs, const SortedRuns& sorted, std::string& list) {
  std::map<std::string, size_t> builds;
  size_t left_out = 0;
  for (const Outcome& run : runs) {
    if (!run.version.empty()) ++builds[fmt::format("{} (commit {})", run.version, run.commit)];
    if (run.status != Status::finished) ++left_out;
  }
  if (left_out > 0)
    list +=
        item(fmt::format("{} not finished and in no mean below: means of plans that lost runs are of the seeds "
                         "that are left.",
                         left_out == 1 ? "1 run has" : fmt::format("{} runs have", left_out)));
  if (!sorted.repeats.empty())
    list += item(fmt::format(
        "{} a run that is here already, of the same setup, plan and seed; such are counted once.",
        sorted.repeats.size() == 1 ? "1 run repeats" : fmt::format("{} runs repeat", sorted.repeats.size())));
  if (builds.size() > 1) {
    std::vector<std::string> names;
    for (const auto& [name, count] : builds) names.push_back(name);
    list += item("Runs were made by different builds of fqt, of which the same bits are not promised: " +
                 trainer::join(names) + ".");
  }
}

std::string main_table(const SortedRuns& sorted) {
  Table table("Final figures of each plan, over seeds", "plans");
  table.head({{"model and data"},
              {"plan"},
              {"mean", true},
              {"± sd", true},
              {"seeds", true},
              {"lowest", true},
              {"highest", true},
              {"measure"},
              {"not finished", true},
              {"mean bits", true},
              {"weights, MB", true},
              {"BitOPs, 10^9", true}});
  for (const Setup& setup : sorted.setups) {
    table.section();
    for (const PlanRuns& plan : setup.plans) {
      const std::vector<double> figures = plan.figures();
      const auto figure = [&](double value) { return figures.empty() ? empty_cell() : number_cell(value, 2); };
      const auto [low, high] = std::ranges::minmax(figures.empty() ? std::vector<double>{0} : figures);
      const SizeOutcome& size = plan.runs.front()->size;
      table.row({prose_cell(setup.title()), text_cell(plan.plan), figure(figures.empty() ? 0 : mean(figures)),
                 figures.size() > 1 ? number_cell(sample_deviation(figures), 2) : empty_cell(),
                 number_cell(static_cast<double>(figures.size()), 0), figure(low), figure(high),
                 text_cell(setup.measure.title), number_cell(static_cast<double>(plan.runs.size() - figures.size()), 0),
                 size.mean_bits ? number_cell(*size.mean_bits, 2) : Cell{.html = "fp32", .number = true},
                 significant_cell(size.weights_mb, 3), significant_cell(size.bitops / 1e9, 4)},
                2);
    }
  }
  return table.html();
}

std::string comparison_table(const SortedRuns& sorted) {
  Table table("C+ against C-, seed by seed: difference of C+ minus C-, with its 95 % confidence interval",
              "comparisons");
  table.head({{"model and data"},
              {"plan"},
              {"difference", true},
              {"from", true},
              {"to", true},
              {"pairs", true},
              {"measure"},
              {"C+ is"}});
  bool any = false;
  for (const Setup& setup : sorted.setups) {
    table.section();
    for (const PlanComparison& comparison : setup.comparisons()) {
      any = true;
      const Comparison& result = comparison.comparison;
      const auto figure = [](double value, bool known) { return known ? number_cell(value, 2) : empty_cell(); };
      const bool interval = result.verdict != Verdict::too_few_seeds;
      const std::string_view verdict = name_of(result.verdict);
      const bool clear = result.verdict == Verdict::better || result.verdict == Verdict::worse;
      table.row(
          {prose_cell(setup.title()), text_cell(comparison.plus), figure(result.difference, result.pairs > 0),
           figure(result.interval.low, interval), figure(result.interval.high, interval), number_cell(result.pairs, 0),
           text_cell(setup.measure.title),
           clear ? html_cell(fmt::format("<span class=\"{0}\">{0}</span>", verdict), verdict) : text_cell(verdict)},
          2);
    }
  }
  if (!any) return "";
  return table.html() +
         "<p class=\"note\">Pairs are runs of one seed. An interval (Student’s t) that holds 0 is no difference found, "
         "which is not to say that there is none. Nothing is corrected for the number of comparisons: of twenty "
         "without a difference, "
         "one is expected to be called better or worse.</p>\n";
}

/// What repeats a run. A plan file may have been edited since; the run keeps what it ran on.
std::string command_of(const Outcome& run) {
  std::vector<std::string> words{"fqt", "train", "--config", run.directory + "/config.toml"};
  if (trainer::is_plan_file(run.plan)) words.insert(words.end(), {"--plan", run.directory + "/plan.toml"});
  return quoted(words);
}

}  // namespace

std::string counts_in_words(std::span<const Outcome> runs) {
  std::map<Status, size_t> counts;
  for (const Outcome& run : runs) ++counts[run.status];
  std::vector<std::string> parts;
  for (const Status status :
       {Status::finished, Status::running, Status::interrupted, Status::waiting, Status::diverged, Status::failed})
    if (counts.contains(status)) parts.push_back(fmt::format("{} {}", counts[status], name_of(status)));
  return fmt::format("{}: {}", counted(runs.size(), "run"), trainer::join(parts));
}

std::string summary_html(std::span<const Outcome> runs, const SortedRuns& sorted) {
  std::string list;
  for (const Setup& setup : sorted.setups) list += item(setup_in_words(setup));
  for (const Setup& setup : sorted.setups)
    for (const PlanComparison& comparison : setup.comparisons()) list += item(comparison_in_words(setup, comparison));
  add_notes(runs, sorted, list);
  return "<ul>\n" + list + "</ul>\n" + main_table(sorted) + comparison_table(sorted);
}

std::string runs_html(std::span<const Outcome> runs) {
  Table table("Every run", "runs");
  table.head({{"run"},
              {"model"},
              {"data"},
              {"plan"},
              {"recipe"},
              {"seed", true},
              {"status"},
              {"steps", true},
              {"final", true},
              {"best on the way", true},
              {"training loss", true},
              {"seconds", true},
              {"hash of the weights"},
              {"command"}});
  const auto figure = [](const std::optional<Figure>& figure) {
    return figure ? number_cell(figure->value, 2) : empty_cell();
  };
  for (const Outcome& run : runs) {
    std::string status(name_of(run.status));
    if (!run.message.empty()) status += ": " + run.message;
    const std::string command = command_of(run);
    table.row(
        {html_cell("<code>" + escaped(run.directory) + "</code>", run.directory), text_cell(run.model),
         text_cell(run.data), text_cell(run.plan), prose_cell(run.recipe),
         number_cell(static_cast<double>(run.seed), 0), prose_cell(status),
         html_cell(run.steps_done == run.steps ? grouped(run.steps)
                                               : fmt::format("{} of {}", grouped(run.steps_done), grouped(run.steps)),
                   fmt::format("{}", run.steps_done)),
         figure(run.final), figure(run.best), run.train_loss ? number_cell(*run.train_loss, 4) : empty_cell(),
         number_cell(run.seconds, 1), html_cell("<code>" + escaped(run.weights_hash) + "</code>", run.weights_hash),
         html_cell("<code>" + escaped(command) + "</code>", command)},
        1);
  }
  return table.html();
}

}  // namespace fqt::study
