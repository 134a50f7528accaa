// `fqt quantize`: codes by hand, files read back, and what people get wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "apps/json.h"
#include "apps/process.h"
#include "quant/quantize.h"
#include "support/random_tensor.h"
#include "trainer/npy.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;
using trainer::write_npy;

namespace {

/// The folder has x.npy: [[-1, 0], [0.5, 2]], for which 4 affine bits have steps of 0.2 and zero point -3.
class Folder : public TemporaryFolder {
 public:
  Folder() { write_npy<float>(*this / "x.npy", {2, 2}, std::vector<float>{-1, 0, 0.5, 2}); }

  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "quantize");
    return fqt_program(arguments, {}, path());
  }

  json printed(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Outcome outcome = run(arguments);
    CAPTURE(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    return parse_json(outcome.out);
  }

  std::string error(int expected_code, const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == expected_code);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("fqt: ["));
    return outcome.err;
  }
};

using Codes = std::vector<int>;

/// The last `count` values of a file.
template <typename T>
std::vector<T> tail(const std::string& path, size_t count) {
  const std::string bytes = read(path);
  std::vector<T> values(count);
  REQUIRE(bytes.size() >= count * sizeof(T));
  std::memcpy(values.data(), bytes.data() + bytes.size() - count * sizeof(T), count * sizeof(T));
  return values;
}

}  // namespace

TEST_CASE("quantize command: a small matrix by hand") {
  const Folder folder;
  const json affine = folder.printed({"x.npy", "--bits", "4"});
  CHECK(affine["shape"] == Codes{2, 2});
  CHECK(affine["codes"] == Codes{-8, -3, -1, 7});  // 0.5 / 0.2 = 2.5 goes to the even 2, code -1
  CHECK(affine["scale"] == std::vector<double>{0.2});
  CHECK(affine["zero_point"] == Codes{-3});
  CHECK(affine["low"] == std::vector<double>{-1});
  CHECK(affine["high"] == std::vector<double>{2});
  CHECK(affine["clip_rate"] == 0);
  CHECK(affine["levels_used"] == 0.25);
  CHECK(std::fabs(affine["sqnr_db"].get<double>() - 10 * std::log10(5.25 / 0.01)) < 1e-4);
  CHECK(folder.printed({"x.npy", "--bits", "4", "--rounding", "nearest_away"})["codes"] == Codes{-8, -3, 0, 7});
  // Steps of 2/7: 0.5 is 1.75 of them. float32(2/7) lies above 2/7, so that -1 is a little less than 3.5.
  const json symmetric = folder.printed({"x.npy", "--bits", "4", "--format", "symmetric"});
  CHECK(symmetric["codes"] == Codes{-3, 0, 2, 7});
  CHECK(symmetric["zero_point"] == Codes{0});
  const json zeros = [&] {
    write_npy<float>(folder / "zeros.npy", {3}, std::vector<float>{0, 0, 0});
    return folder.printed({"zeros.npy", "--format", "symmetric"});
  }();
  CHECK(zeros["codes"] == Codes{0, 0, 0});
  CHECK(zeros["sqnr_db"].is_null());  // nothing is lost
}

TEST_CASE("quantize command: what a person reads") {
  const Folder folder;
  CHECK(folder.run({"x.npy", "--bits", "4"}).out ==
        "x.npy\n"
        "shape        [2, 2], 4 values\n"
        "format       affine, 4 bits\n"
        "rounding     nearest\n"
        "range        extremes: -1 to 2\n"
        "scale        0.2\n"
        "zero point   -3\n"
        "clipped      0 of 4\n"
        "levels used  4 of 16\n"
        "SQNR         27.20 dB\n"
        "codes        -8 to 7; value = scale * (code - zero point)\n"
        "[[-8 -3]\n"
        " [-1  7]]\n");
  const Tensor large = random_tensor({40, 500}, 1, -1, 1);
  write_npy<float>(folder / "large.npy", large.shape(), large.values());
  for (const std::vector<std::string>& extra :
       {std::vector<std::string>{}, {"--per-channel"}, {"--bits", "16", "--rounding", "stochastic"}}) {
    std::vector<std::string> arguments{"large.npy"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    const std::string out = folder.run(arguments).out;
    CHECK(contains(out, "[40, 500], 20,000 values"));
    CHECK(contains(out, " ... "));
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
  }
  CHECK(contains(folder.run({"large.npy", "--per-channel"}).out, "500 channels in all"));
}

TEST_CASE("quantize command: random words are those of the seed, or those given") {
  const Folder folder;
  const std::vector<std::string> stochastic{"x.npy", "--bits", "4", "--rounding", "stochastic"};
  const auto with = [&](const std::string& option, const std::string& value) {
    std::vector<std::string> arguments = stochastic;
    arguments.insert(arguments.end(), {option, value});
    return folder.printed(arguments)["codes"];
  };
  // 0.5 is level 2.5 from zero: it goes up for words below 32768.
  write_npy<uint16_t>(folder / "up.npy", {2, 2}, std::vector<uint16_t>{0, 0, 32767, 0});
  write_npy<uint16_t>(folder / "down.npy", {4}, std::vector<uint16_t>{0, 0, 32768, 0});
  CHECK(with("--noise", "up.npy") == Codes{-8, -3, 0, 7});
  CHECK(with("--noise", "down.npy") == Codes{-8, -3, -1, 7});
  const Tensor x({2, 2}, std::vector<float>{-1, 0, 0.5, 2});
  const quant::OperandPrecision precision{&quant::find_format("affine"), 4, quant::Rounding::stochastic};
  for (const uint64_t seed : {1, 2, 3, 4, 5, 6})
    CHECK(with("--seed", std::to_string(seed)) == json(quant::quantize(x, precision, RandomKey{seed, 0}).codes()));
}

TEST_CASE("quantize command: ranges") {
  const Folder folder;
  write_npy<float>(folder / "r.npy", {2, 4}, std::vector<float>{-1, 0, 1, 2, -3, 1, 2, 20});
  const auto range = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"r.npy", "--range"});
    const json result = folder.printed(arguments);
    return std::vector<double>{result["low"][0].get<double>(), result["high"][0].get<double>()};
  };
  CHECK(range({"extremes"}) == std::vector<double>{-3, 20});
  CHECK(range({"sample_mean"}) == std::vector<double>{-2, 11});
  CHECK(range({"percentile", "--percentile", "70"}) ==
        std::vector<double>{-1, 2});                                                // one value is left out at each end
  CHECK(folder.printed({"r.npy", "--range", "sample_mean"})["clip_rate"] == 0.25);  // -3 and 20
}

TEST_CASE("quantize command: a grid for each channel, in files") {
  const Folder folder;
  const Outcome outcome = folder.run({"x.npy", "--per-channel", "--bits", "4", "--out", "q"});
  CHECK(outcome.exit_code == 0);
  for (const char* part : {"q.codes.npy (int8)", "q.scale.npy (float32)", "q.zero_point.npy (int32)"})
    CHECK(contains(outcome.out, part));
  // Channels are [-1, 0.5] in steps of 0.1 and [0, 2] in steps of 2/15.
  CHECK(tail<int8_t>(folder / "q.codes.npy", 4) == std::vector<int8_t>{-8, -8, 7, 7});
  const Tensor scale = trainer::read_npy(folder / "q.scale.npy");
  CHECK(scale.shape() == Shape{2});
  CHECK(scale.data()[0] == 0.1f);
  CHECK(scale.data()[1] == 2.0f / 15);
  CHECK(tail<int32_t>(folder / "q.zero_point.npy", 2) == std::vector<int32_t>{2, -8});
  CHECK(contains(read(folder / "q.codes.npy"), "'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }"));

  const json result = folder.printed({"x.npy", "--bits", "9", "--out", "q"});
  CHECK(result["files"]["codes"] == "q.codes.npy");
  CHECK_FALSE(result.contains("codes"));
  CHECK(contains(read(folder / "q.codes.npy"), "'<i2'"));
  CHECK(trainer::read_npy(folder / "q.scale.npy").rank() == 0);
  CHECK(tail<int16_t>(folder / "q.codes.npy", 4).front() == -256);
}

TEST_CASE("quantize command: arrays of one element and of none") {
  const Folder folder;
  write_npy<float>(folder / "none.npy", {0, 3}, {});
  write_npy<float>(folder / "one.npy", {}, std::vector<float>{-2.5});
  const json none = folder.printed({"none.npy"});
  CHECK(none["codes"].empty());
  CHECK(none["scale"] == std::vector<double>{1});
  CHECK(contains(folder.run({"none.npy"}).out, "[0, 3], 0 values"));
  const json one = folder.printed({"one.npy", "--bits", "2"});
  CHECK(one["codes"] == Codes{-2});
  CHECK(one["scale"] == std::vector<double>{2.5});
  CHECK(one["zero_point"] == Codes{-1});
  CHECK(contains(folder.error(kUsage, {"none.npy", "--per-channel"}), "no values to fit grids to"));
}

TEST_CASE("quantize command: bad input") {
  const Folder folder;
  CHECK(contains(folder.error(kMissing, {"nowhere.npy"}), "there is no file nowhere.npy"));
  const std::string whole = read(folder / "x.npy");
  write(folder / "cut.npy", whole.substr(0, whole.size() - 3));
  CHECK(contains(folder.error(kData, {"cut.npy"}), "cut.npy: shape [2, 2] of '<f4' takes 16 bytes, but 13 follow"));
  write_npy<float>(folder / "nan.npy", {2, 2}, std::vector<float>{1, 2, std::numeric_limits<float>::quiet_NaN(), 3});
  CHECK(contains(folder.error(kData, {"nan.npy"}), "nan.npy: element [1, 0] is nan"));
  write_npy<float>(folder / "inf.npy", {1}, std::vector<float>{-std::numeric_limits<float>::infinity()});
  CHECK(contains(folder.error(kData, {"inf.npy"}), "element [0] is -inf"));

  CHECK(contains(folder.error(kUsage, {"x.npy", "--rounding", "up"}),
                 "no rounding 'up'; known: nearest, nearest_away, toward_zero, stochastic"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--format", "posit"}), "no number format 'posit'; known: "));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--format", "fp32"}), "give one of symmetric, affine"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--range", "median"}), "no range 'median'; known: extremes"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--range", "running"}), "an average over training steps"));
  for (const char* bits : {"1", "17", "0", "-4"})
    CHECK(contains(folder.error(kUsage, {"x.npy", "--bits", bits}), "give a width from 2 to 16"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--bits", "many"}), "--bits"));
  for (const char* percent : {"20", "49.9", "100.5", "nan"}) {
    const std::string error = folder.error(kUsage, {"x.npy", "--range", "percentile", "--percentile", percent});
    CHECK(contains(error, std::string("--percentile: ") + percent + " percent of the values; give 50 to 100"));
  }
  CHECK(contains(folder.error(kUsage, {"x.npy", "--percentile", "many"}), "--percentile"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--percentile", "99"}), "add --range percentile"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--range", "extremes", "--percentile", "99.9"}),
                 "add --range percentile"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--seed", "2"}), "nearest draws no random words"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--seed", "-1"}), "--seed"));
  CHECK(contains(folder.error(kUsage, {}), "input"));

  write_npy<uint16_t>(folder / "words.npy", {3}, std::vector<uint16_t>{1, 2, 3});
  CHECK(contains(folder.error(kUsage, {"x.npy", "--rounding", "stochastic", "--noise", "words.npy"}),
                 "words.npy has 3 words for 4 values"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--noise", "words.npy"}), "add --rounding stochastic"));
  CHECK(contains(folder.error(kUsage, {"x.npy", "--rounding", "stochastic", "--noise", "words.npy", "--seed", "1"}),
                 "excludes"));
  CHECK(contains(folder.error(kData, {"x.npy", "--rounding", "stochastic", "--noise", "x.npy"}),
                 "its dtype is '<f4', expected '<u2'"));
  write_npy<uint16_t>(folder / "words.npy", {0}, {});  // no words are not the words of a seed
  CHECK(contains(folder.error(kUsage, {"x.npy", "--rounding", "stochastic", "--noise", "words.npy"}), "has 0 words"));
  CHECK(contains(folder.error(kIo, {"x.npy", "--out", "nowhere/q"}), "nowhere/q.codes.npy cannot be written"));
}
