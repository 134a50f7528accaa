#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "trainer/bit_schedule.h"
#include "trainer/explain/explain.h"
#include "trainer/explain/page.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

using quant::Grid;
using quant::ProductKind;

constexpr size_t kTermsShown = 6;

/// By quant::ProductKind.
constexpr std::string_view kTitles[] = {"FORWARD", "GRAD_LHS, the gradient of the input",
                                        "GRAD_RHS, the gradient of the weights"};
/// By quant::Rounding.
constexpr std::string_view kRoundings[] = {
    "to the nearest code, halves to the even one", "to the nearest code, halves away from 0", "toward 0",
    "up or down at random, the nearer code the likelier, so that it is right on average"};
static_assert(std::size(kRoundings) == kernels::kRoundings);

std::string to_six_digits(double value) { return fmt::format("{:.6g}", value); }

std::string zero_point_reason(const Grid& grid) {
  if (2 * grid.zero == grid.max_level) return "real 0 is in the middle of the grid";
  if (grid.zero == 0) return "nothing on the grid is below 0, so that real 0 is the lowest code";
  if (grid.zero == grid.max_level) return "nothing on the grid is above 0, so that real 0 is the highest code";
  return fmt::format("the code of real 0, which is {:.0f} % of the way up the grid",
                     100.0 * grid.zero / grid.max_level);
}

/// "2 to 5", or "2" where all are the same; `text` of each grid.
template <typename Value, typename Text>
std::string span_of(const std::vector<Grid>& grids, const Value& value, const Text& text) {
  const auto [low, high] = std::ranges::minmax_element(grids, {}, value);
  return value(*low) == value(*high) ? text(value(*low))
                                     : fmt::format("{} to {}", text(value(*low)), text(value(*high)));
}

void describe_grid(Page& page, const OperandWalk& walk) {
  const std::vector<Grid>& grids = walk.statistics->grids;
  const Grid& grid = grids.front();
  const std::string from(walk.precision().range->description);
  if (grids.size() == 1) {
    page.fact("grid", fmt::format("{} to {}; laid over: {}", to_six_digits(grid.value(0)),
                                  to_six_digits(grid.value(grid.max_level)), from));
    page.fact("scale", fmt::format("{}, the distance from code to code", to_six_digits(grid.scale)));
    page.fact("zero point", fmt::format("{}: {}", grid.zero_point(), zero_point_reason(grid)));
    return;
  }
  page.fact("grids",
            fmt::format("{}, one for each output channel, so that small channels have small steps; laid over: {}",
                        grids.size(), from));
  page.fact("scales", span_of(
                          grids, [](const Grid& g) { return g.scale; }, [](float x) { return to_six_digits(x); }) +
                          ", the distance from code to code in a channel");
  page.fact("zero points",
            span_of(
                grids, [](const Grid& g) { return g.zero_point(); }, [](int z) { return fmt::format("{}", z); }) +
                ", the code of real 0 in a channel");
}

void describe_loss(Page& page, const quant::OperandStatistics& statistics) {
  page.fact("clipped", fmt::format("{:.3g} % of the values lie outside the grid and move to its ends",
                                   100 * statistics.clip_rate));
  page.fact("codes used", fmt::format("{:.0f} % of them", 100 * statistics.levels_used));
  if (std::isinf(statistics.sqnr_db))
    page.fact("SQNR", "nothing is lost: every value is on the grid");
  else
    page.fact("SQNR", fmt::format("{:.1f} dB: the values' squares sum to {:.3g} times those of the rounding errors "
                                  "(a bit more adds about 6 dB)",
                                  statistics.sqnr_db, std::pow(10.0, statistics.sqnr_db / 10)));
}

void list_samples(Page& page, const OperandWalk& walk) {
  if (walk.samples.empty()) return page.fact("values", "all are 0, and stay 0");
  const std::vector<Grid>& grids = walk.statistics->grids;
  const bool channels = grids.size() > 1;
  page.line();
  page.line(fmt::format("    {:>13} {:>14} {:>8} {:>14} {:>13}{}", "value", "value / scale", "code", "decoded", "error",
                        channels ? "  channel" : ""));
  for (const OperandSample& sample : walk.samples)
    page.line(fmt::format("    {:>13.6g} {:>14.3f} {:>8} {:>14.6g} {:>+13.2e}{}", sample.value,
                          double{sample.value} / grids[static_cast<size_t>(sample.channel)].scale, sample.code,
                          sample.decoded, sample.decoded - sample.value,
                          channels ? fmt::format(" {:>8}", sample.channel) : ""));
}

void describe_operand(Page& page, std::string_view name, const OperandWalk& walk) {
  const quant::OperandStatistics& statistics = *walk.statistics;
  const std::string shape = to_string(walk.shape);
  if (walk.precision().is_float()) {
    page.subheading(fmt::format("{} {}: float32, not rounded", name, shape));
    page.fact("values", fmt::format("{} to {}", to_six_digits(statistics.low), to_six_digits(statistics.high)));
    return;
  }
  const Grid& grid = statistics.grids.front();
  if (walk.reused) {
    page.subheading(fmt::format("{} {}: the codes from above, used again", name, shape));
    return;
  }
  page.subheading(fmt::format("{} {}: {}, {} bits, codes {} to {}", name, shape, walk.precision().format->name,
                              walk.precision().bits, -grid.centre(), grid.max_level - grid.centre()));
  page.fact("values", fmt::format("{} to {}", to_six_digits(statistics.low), to_six_digits(statistics.high)));
  describe_grid(page, walk);
  page.fact("rounding", kRoundings[static_cast<size_t>(walk.precision().rounding)]);
  describe_loss(page, statistics);
  list_samples(page, walk);
}

std::string where(const ElementWalk& element) {
  const std::string index = to_string(element.index);
  if (element.which == "first") return index + ", the first";
  return index + (element.which == "middle" ? ", in the middle" : ", the largest");
}

/// "+8.1e-03 (1.3 %)"
std::string off(double value, double truth) {
  const std::string error = fmt::format("{:+.2e}", value - truth);
  return truth == 0 ? error : fmt::format("{} ({:.3g} %)", error, 100 * std::abs((value - truth) / truth));
}

void describe_element(Page& page, const ProductSymbols& names, const ProductWalk& walk, const ElementWalk& element) {
  page.line(fmt::format("    {} {}", names.result, where(element)));
  if (walk.is_float()) {
    page.line(fmt::format("      float64  {:>15.9g}", element.exact));
    page.line(
        fmt::format("      float32  {:>15.9g}  off by {}", element.computed, off(element.computed, element.exact)));
    return;
  }
  page.line(fmt::format("      float    {:>15.9g}", element.exact));
  page.line(fmt::format("      decoded  {:>15.9g}  off by {}", element.decoded, off(element.decoded, element.exact)));
  page.line(fmt::format("      integers {:>15.9g}  off by {:+.2e}; {:+.1e} from decoded", element.computed,
                        element.computed - element.exact, element.computed - element.decoded));
  page.line(fmt::format("      = {} x {} x {}", grouped(element.held_sum), to_six_digits(element.lhs_scale),
                        to_six_digits(element.rhs_scale)));
  if (element.held_sum != element.sum)
    page.line(fmt::format("      but the exact sum is {}: the accumulator overflowed", grouped(element.sum)));
}

void explain_ways(Page& page, const ProductSymbols& names, bool is_float) {
  if (is_float) return page.paragraph("float64: the dot product in float64. float32: what the step computed.", 4);
  page.paragraph(
      fmt::format("float: the dot product of the values before rounding, in float64. decoded: the same of scale x "
                  "(code - zero point). integers: what the step computed, the sum of (code - zero point) x (code - "
                  "zero point) times the scale of {} times that of {}, rounded once to float32.",
                  names.lhs, names.rhs),
      4);
}

void describe_elements(Page& page, const ProductWalk& walk) {
  const ProductSymbols& names = walk.names;
  page.subheading(walk.is_float() ? "Results in two ways" : "Results in three ways");
  if (walk.kind == ProductKind::forward) explain_ways(page, names, walk.is_float());
  for (const ElementWalk& element : walk.elements) describe_element(page, names, walk, element);
}

/// code - zero point without two minuses: "-25 + 32".
std::string less(int code, int zero_point, int width) {
  return fmt::format("{:>{}} {} {}", code, width, zero_point < 0 ? '+' : '-', std::abs(zero_point));
}

/// The sum of one element, term by term.
void spell_out(Page& page, const ProductWalk& walk) {
  if (walk.codes.empty()) return;
  const ProductSymbols& names = walk.names;
  const ElementWalk& element = walk.elements[walk.spelled_out];
  page.subheading(fmt::format("The sum of {} {}, by hand", names.result, to_string(element.index)));
  page.paragraph(fmt::format("Each term is (code - zero point) of {} times that of {}; the zero points are {} and {}.",
                             names.lhs, names.rhs, element.lhs_zero_point, element.rhs_zero_point),
                 4);
  const size_t count = std::min(kTermsShown, walk.codes.size());
  const int width = walk.lhs.precision().bits > 8 || walk.rhs.precision().bits > 8 ? 6 : 4;
  const auto row = [&](const std::string& text, int64_t value) {
    page.line(fmt::format("    {:<{}} {:>14}", text, 6 * width + 20, grouped(value)));
  };
  int64_t shown = 0;
  for (size_t k = 0; k < count; ++k) {
    const CodePair& pair = walk.codes[k];
    const int lhs = pair.lhs - element.lhs_zero_point, rhs = pair.rhs - element.rhs_zero_point;
    const std::string factors = fmt::format("({}) x ({})", less(pair.lhs, element.lhs_zero_point, width),
                                            less(pair.rhs, element.rhs_zero_point, width));
    row(fmt::format("{:<{}} = {:>{}} x {:>{}} =", factors, 4 * width + 11, lhs, width, rhs, width), int64_t{lhs} * rhs);
    shown += int64_t{lhs} * rhs;
  }
  if (walk.codes.size() > count)
    row(fmt::format("and {} more terms", grouped(static_cast<int64_t>(walk.codes.size() - count))),
        element.sum - shown);
  row("sum", element.sum);
}

void describe_accumulator(Page& page, const ProductWalk& walk) {
  page.subheading("Accumulator");
  page.paragraph(walk.accumulator, 4);
  if (walk.is_float()) return;
  page.paragraph(fmt::format("The largest sum of this step is {} in magnitude; on their way sums reach {}.",
                             grouped(walk.largest_sum), grouped(walk.accumulator_peak)),
                 4);
  if (walk.emulated) page.paragraph(fmt::format("Additions that left its range: {}.", grouped(walk.overflows)), 4);
}

void describe_product(Page& page, const ProductWalk& walk) {
  const ProductSymbols& names = walk.names;
  page.heading(fmt::format("{}: {}", kTitles[static_cast<size_t>(walk.kind)], names.formula));
  const quant::ProductShape& shape = walk.shape;
  page.paragraph(
      fmt::format("[{0} x {1}] times [{1} x {2}]: {0} x {2} sums, each of {1} terms; the result has shape {3}",
                  grouped(shape.m), grouped(shape.terms), grouped(shape.n), to_string(walk.result_shape)));
  if (walk.most_terms < shape.terms)
    page.paragraph(
        fmt::format("At a stride an input pixel meets only some of the kernel's taps: sums have at most {} terms.",
                    grouped(walk.most_terms)));
  describe_operand(page, names.lhs, walk.lhs);
  describe_operand(page, names.rhs, walk.rhs);
  describe_accumulator(page, walk);
  describe_elements(page, walk);
  spell_out(page, walk);
}

std::string float_reason(const Experiment& experiment, const quant::SiteShape& site) {
  if (!quant::left_in_float(experiment.config.quant, site.role)) return "the plan leaves this layer in float32";
  return fmt::format("the recipe leaves {} in float32",
                     site.role == quant::SiteRole::head ? "the classifier head" : "the first layer");
}

}  // namespace

std::string explain_site(const Experiment& experiment, const SiteWalk& walk, bool color) {
  const Config& config = experiment.config;
  Page page(color);
  page.heading(fmt::format("{} of {}, walked through", walk.site.name, config.model));
  page.fact("layer", describe_layer(walk.site), 2);
  page.fact("data", fmt::format("{}, a batch of {}", experiment.data_name(), describe_batch(experiment)), 2);
  page.fact("plan", config.plan, 2);
  page.fact("recipe", describe_recipe(config), 2);
  if (config.bits.schedule != "constant")
    page.fact("schedule",
              fmt::format("{}; below are the bits of step {} of {}", describe_schedule(config), grouped(walk.step.step),
                          grouped(config.train.steps)),
              2);
  page.fact("weights",
            walk.step.step == 1 ? fmt::format("as a run with seed {} starts", config.seed)
                                : fmt::format("after {} step{} of training, seed {}", grouped(walk.step.step - 1),
                                              walk.step.step == 2 ? "" : "s", config.seed),
            2);
  page.fact("loss", fmt::format("{:.4f} on this batch", walk.step.loss), 2);
  if (!walk.products.empty() && walk.products.front().is_float())
    page.paragraph(fmt::format("Nothing is rounded here: {}. There are no codes, and the sums are float32.",
                               float_reason(experiment, walk.site)));
  for (const ProductKind kind : quant::kProducts) {
    const auto product = std::ranges::find(walk.products, kind, &ProductWalk::kind);
    if (product != walk.products.end()) {
      describe_product(page, *product);
      continue;
    }
    page.heading(fmt::format("{}: {}", kTitles[static_cast<size_t>(kind)], symbols(kind).formula));
    page.paragraph("Not computed: nothing before this layer learns, so that nobody asks for this gradient.");
  }
  return page.text();
}

}  // namespace fqt::trainer
