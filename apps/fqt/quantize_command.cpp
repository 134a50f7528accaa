#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/check.h"
#include "fqt/command.h"
#include "fqt/output.h"
#include "quant/quantize.h"
#include "quant/range.h"
#include "trainer/array_text.h"
#include "trainer/exact.h"
#include "trainer/json.h"
#include "trainer/npy.h"
#include "trainer/text.h"

namespace fqt::program {
namespace {

using namespace fqt::trainer;

constexpr size_t kMostChannels = 12;  ///< that are printed in full
constexpr double kPercentile = 99.9;  ///< where none is given

struct QuantizeArguments {
  std::string input, noise, out;
  std::string format = "affine", rounding = "nearest", range = "extremes";
  int bits = 8;
  std::optional<double> percentile;
  bool per_channel = false;
  std::optional<int64_t> seed;
  bool json = false;
};

uint64_t seed_of(const QuantizeArguments& arguments) { return static_cast<uint64_t>(arguments.seed.value_or(1)); }

/// What was asked for, and what came of it.
struct Result {
  QuantizeArguments arguments;
  std::vector<quant::Range> ranges;  ///< one, or one a channel
  quant::Quantized quantized;
  quant::OperandStatistics statistics;

  const std::vector<quant::Grid>& grids() const { return quantized.operand.grids; }
};

template <typename Row>
std::string names(std::span<const Row> rows, bool (*listed)(const Row&)) {
  std::vector<std::string> list;
  for (const Row& row : rows)
    if (listed(row)) list.emplace_back(row.name);
  return join(list);
}

std::string integer_formats() {
  return names<quant::Format>(quant::formats(), [](const quant::Format& format) { return !format.is_float(); });
}

std::string whole_ranges() {
  return names<quant::RangeEstimator>(quant::range_estimators(),
                                      [](const quant::RangeEstimator& range) { return !range.running; });
}

quant::OperandPrecision precision_of(const QuantizeArguments& arguments) {
  check(arguments.bits >= quant::kMinBits && arguments.bits <= quant::kMaxBits,
        "[quantize] --bits: {} bits; give a width from {} to {}", arguments.bits, quant::kMinBits, quant::kMaxBits);
  quant::OperandPrecision precision{
      &quant::find_format(arguments.format), arguments.bits, quant::parse_rounding(arguments.rounding),
      &quant::find_range_estimator(arguments.range), arguments.percentile.value_or(kPercentile)};
  precision.per_channel = arguments.per_channel;
  check(!precision.is_float(), "[quantize] --format: {} has no codes; give one of {}", arguments.format,
        integer_formats());
  check(!precision.range->running, "[quantize] --range: '{}' is an average over training steps; give one of {}",
        arguments.range, whole_ranges());
  check(precision.percentile >= 50 && precision.percentile <= 100,
        "[quantize] --percentile: {} percent of the values; give 50 to 100", precision.percentile);
  check(!arguments.percentile || arguments.range == "percentile",
        "[quantize] --percentile: --range {} takes no percentile; add --range percentile", arguments.range);
  check(!arguments.seed || precision.rounding == quant::Rounding::stochastic,
        "[quantize] --seed: {} draws no random words; add --rounding stochastic", arguments.rounding);
  check(arguments.noise.empty() || precision.rounding == quant::Rounding::stochastic,
        "[quantize] --noise: {} reads no random words; add --rounding stochastic", arguments.rounding);
  return precision;
}

void check_finite(const Tensor& values, const std::string& path) {
  for (int64_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values.data()[i])) continue;
    Shape index(values.shape().size());
    int64_t rest = i;
    for (size_t axis = index.size(); axis-- > 0; rest /= values.shape()[axis])
      index[axis] = rest % values.shape()[axis];
    fail(ErrorKind::data, "[quantize] {}: element {} is {}; only finite values have codes, replace it", path,
         to_string(index), values.data()[i]);
  }
}

Result quantize_file(const QuantizeArguments& arguments) {
  const quant::OperandPrecision precision = precision_of(arguments);
  const Tensor values = read_npy(arguments.input);
  check_finite(values, arguments.input);
  check(!arguments.per_channel || values.size() > 0,
        "[quantize] --per-channel: {} of shape {} has no values to fit grids to", arguments.input,
        to_string(values.shape()));
  const std::vector<uint16_t> words =
      arguments.noise.empty() ? std::vector<uint16_t>() : read_npy_words(arguments.noise);
  check(arguments.noise.empty() || static_cast<int64_t>(words.size()) >= values.size(),
        "[quantize] --noise: {} has {} words for {} values; give one for each", arguments.noise, words.size(),
        values.size());
  const quant::Noise noise =
      arguments.noise.empty() ? quant::Noise(RandomKey{seed_of(arguments), 0}) : quant::Noise(words);

  const std::string site = arguments.input;
  const quant::OperandName name{"the array", site, 0};
  const int64_t channels = values.rank() > 0 ? values.dim(-1) : 1, samples = values.rank() > 1 ? values.dim(0) : 1;
  const gemm::PaddedImage layout{1, 1, channels > 0 ? values.size() / channels : 0, channels, 0, 0, 0, 0, channels};
  Result result{arguments, {}, quant::quantize(values, precision, noise), {}};
  result.ranges = precision.per_channel ? quant::estimate_channel_ranges(values.values(), channels, precision, name)
                                        : std::vector{quant::estimate_range(values.values(), samples, precision, name)};
  result.statistics = quant::measure(values, layout, precision, result.quantized.operand);
  return result;
}

struct Written {
  std::string codes, scale, zero_point;
};

template <typename T>
void write_codes(const std::string& path, const quant::Quantized& quantized) {
  const std::vector<int32_t> codes = quantized.codes();
  write_npy<T>(path, quantized.shape, std::vector<T>(codes.begin(), codes.end()));
}

Written write_files(const Result& result) {
  const std::string& prefix = result.arguments.out;
  const Written written{prefix + ".codes.npy", prefix + ".scale.npy", prefix + ".zero_point.npy"};
  const auto write = result.arguments.bits <= 8 ? write_codes<int8_t> : write_codes<int16_t>;
  write(written.codes, result.quantized);
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  for (const quant::Grid& grid : result.grids()) {
    scales.push_back(grid.scale);
    zero_points.push_back(grid.zero_point());
  }
  const Shape shape = result.arguments.per_channel ? Shape{static_cast<int64_t>(scales.size())} : Shape{};
  write_npy<float>(written.scale, shape, scales);
  write_npy<int32_t>(written.zero_point, shape, zero_points);
  return written;
}

Json to_json(const Result& result, const std::optional<Written>& written) {
  const QuantizeArguments& arguments = result.arguments;
  Json low = Json::array(), high = low, scale = low, zero_point = low;
  for (const quant::Range& range : result.ranges) {
    low.push_back(exact(range.low));
    high.push_back(exact(range.high));
  }
  for (const quant::Grid& grid : result.grids()) {
    scale.push_back(exact(grid.scale));
    zero_point.push_back(grid.zero_point());
  }
  const double sqnr = result.statistics.sqnr_db;
  Json json{{"input", arguments.input},
            {"shape", result.quantized.shape},
            {"format", arguments.format},
            {"bits", arguments.bits},
            {"rounding", arguments.rounding},
            {"range", arguments.range},
            {"per_channel", arguments.per_channel},
            {"low", low},
            {"high", high},
            {"scale", scale},
            {"zero_point", zero_point},
            {"clip_rate", result.statistics.clip_rate},
            {"levels_used", result.statistics.levels_used},
            {"sqnr_db", std::isfinite(sqnr) ? Json(sqnr) : Json()}};
  if (written)
    json["files"] = {{"codes", written->codes}, {"scale", written->scale}, {"zero_point", written->zero_point}};
  else
    json["codes"] = result.quantized.codes();
  return json;
}

std::string describe_rounding(const QuantizeArguments& arguments) {
  if (arguments.rounding != "stochastic") return arguments.rounding;
  return arguments.rounding +
         (arguments.noise.empty() ? fmt::format(", seed {}", seed_of(arguments)) : ", words of " + arguments.noise);
}

/// One line, or a table with a row for each channel.
std::string describe_grids(const Result& result) {
  const std::vector<quant::Grid>& grids = result.grids();
  if (!result.arguments.per_channel)
    return fmt::format("range        {}: {} to {}\nscale        {}\nzero point   {}\n", result.arguments.range,
                       result.ranges[0].low, result.ranges[0].high, grids[0].scale, grids[0].zero_point());
  std::string text = fmt::format(
      "range        {}, for each channel (index along the last axis)\n{:>9} {:>15} {:>15} "
      "{:>15} {:>12}\n",
      result.arguments.range, "channel", "low", "high", "scale", "zero point");
  const bool all = grids.size() <= kMostChannels;
  for (size_t c = 0; c < grids.size(); ++c) {
    if (!all && c == 3) {
      text += fmt::format("{:>9} {} channels in all\n", "...", grouped(static_cast<int64_t>(grids.size())));
      c = grids.size() - 3;
    }
    text += fmt::format("{:>9} {:>15} {:>15} {:>15} {:>12}\n", c, result.ranges[c].low, result.ranges[c].high,
                        grids[c].scale, grids[c].zero_point());
  }
  return text;
}

std::string result_text(const Result& result, const std::optional<Written>& written) {
  const QuantizeArguments& arguments = result.arguments;
  const quant::Quantized& quantized = result.quantized;
  const int64_t size = quantized.operand.size();
  std::string text = fmt::format("{}\nshape        {}, {} value{}\nformat       {}, {} bits\nrounding     {}\n",
                                 arguments.input, to_string(quantized.shape), grouped(size), size == 1 ? "" : "s",
                                 arguments.format, arguments.bits, describe_rounding(arguments));
  text += describe_grids(result);
  const quant::OperandStatistics& statistics = result.statistics;
  const quant::Grid& grid = result.grids().front();
  if (size > 0) {
    const double levels = grid.max_level + 1.0;
    text += fmt::format("clipped      {} of {}\n",
                        grouped(std::llround(statistics.clip_rate * static_cast<double>(size))), grouped(size));
    text += fmt::format("levels used  {} of {}\n", grouped(std::llround(statistics.levels_used * levels)),
                        grouped(std::llround(levels)));
    text += std::isfinite(statistics.sqnr_db) ? fmt::format("SQNR         {:.2f} dB\n", statistics.sqnr_db)
                                              : std::string("SQNR         nothing is lost\n");
  }
  text += fmt::format("codes        {} to {}; value = scale * (code - zero point)\n", -grid.centre(),
                      grid.max_level - grid.centre());
  if (!written) return text + array_text(quantized.shape, quantized.codes()) + "\n";
  return text + fmt::format("wrote        {} (int{})\n             {} (float32)\n             {} (int32)\n",
                            written->codes, arguments.bits <= 8 ? 8 : 16, written->scale, written->zero_point);
}

void run(const QuantizeArguments& arguments) {
  const Result result = quantize_file(arguments);
  std::optional<Written> written;
  if (!arguments.out.empty()) written = write_files(result);
  print(arguments.json ? to_text(to_json(result, written)) + "\n" : result_text(result, written));
}

}  // namespace

Action declare_quantize(CLI::App& app) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  app.add_option("input", arguments->input, "a .npy file of float32 or float64")->required()->type_name("IN.npy");
  app.add_option("--format", arguments->format, integer_formats())->capture_default_str()->type_name("");
  app.add_option("--bits", arguments->bits, fmt::format("{} to {}", quant::kMinBits, quant::kMaxBits))
      ->capture_default_str()
      ->type_name("");
  app.add_option("--rounding", arguments->rounding, quant::known_roundings())->capture_default_str()->type_name("");
  app.add_option("--range", arguments->range, whole_ranges())->capture_default_str()->type_name("");
  app.add_option("--percentile", arguments->percentile, "percent of the values in a range of that name")
      ->default_str(fmt::format("{}", kPercentile))
      ->type_name("");
  app.add_flag("--per-channel", arguments->per_channel, "a grid for each index along the last axis");
  CLI::Option* seed = app.add_option("--seed", arguments->seed, "of stochastic rounding, from stream 0");
  seed->check(kSeeds)->default_str("1")->type_name("");
  app.add_option("--noise", arguments->noise, "a .npy file of uint16, a word for each value")
      ->excludes(seed)
      ->type_name("WORDS.npy");
  app.add_option("--out", arguments->out, "write PREFIX.{codes,scale,zero_point}.npy")->type_name("PREFIX");
  app.add_flag("--json", arguments->json, "print the result as one JSON object");
  return [arguments] { run(*arguments); };
}

}  // namespace fqt::program
