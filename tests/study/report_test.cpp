#include "study/report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "apps/json.h"
#include "apps/process.h"
#include "engine/check.h"
#include "study/report/assets.h"
#include "study/report/html.h"
#include "study/report/plan_style.h"

using namespace fqt;
using namespace fqt::test;
using nlohmann::json;

namespace {

/// Runs that nobody trained, in folders that hold nothing but what a report reads beside an Outcome.
class Runs {
 public:
  /// One that finished with this accuracy, on a loss of `loss` throughout.
  study::Outcome& add(const std::string& plan, int64_t seed, double accuracy, double loss = 1, int64_t steps = 4) {
    study::Outcome& run = all_.emplace_back();
    run.directory = folder_ / ("run" + std::to_string(all_.size()));
    run.id = run.directory;
    run.status = study::Status::finished;
    run.config.model = run.model = "resnet20";
    run.data = "cifar10";
    run.config.plan = run.plan = plan;
    run.recipe = "paper";
    run.version = "0.1.0";
    run.commit = "abc";
    run.config.seed = run.seed = seed;
    run.batch = 128;
    run.config.train.steps = run.steps = run.steps_done = steps;
    for (int64_t step = 1; step <= steps; ++step) run.losses.push_back({step, loss, 0.1});
    run.evaluations = {{2, false, 1, accuracy / 2, {}, {}}, {steps, false, 1, accuracy, {}, {}}};
    run.final = run.best = study::Figure{"test_accuracy", accuracy, steps};
    run.train_loss = loss;
    run.sites = {{"stem.conv", "conv", 27, 1024, 1, 4}, {"head", "linear", 64, 1, 2, {}}};
    run.size = {0.25, 1, 1, 3e9, 5.0};
    run.weights_hash = "0123456789abcdef";
    return run;
  }
  std::vector<study::Outcome>& all() { return all_; }

  std::string html() const {
    for (const study::Outcome& run : all_) {
      std::filesystem::create_directories(run.directory);
      write(run.directory + "/config.toml", "model = \"resnet20\"\n");
    }
    return study::report_html(all_);
  }
  json figures() const;

 private:
  TemporaryFolder folder_;
  std::vector<study::Outcome> all_;
};

/// What stands in the page's <script> of this id.
json script(const std::string& html, const std::string& id) {
  const std::string begin = "<script type=\"application/json\" id=\"" + id + "\">";
  const size_t from = html.find(begin) + begin.size();
  return parse_json(html.substr(from, html.find("</script>", from) - from));
}

json Runs::figures() const { return script(html(), "figures"); }

const json& figure(const json& figures, const std::string& ending) {
  for (const json& figure : figures)
    if (figure["id"].get<std::string>().ends_with(ending)) return figure;
  FAIL("no figure " << ending);
  return figures;
}

size_t count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The page without what does not come from runs.
std::string without_vega(std::string html) {
  const std::string_view vega = study::asset("vega.js");
  const size_t at = html.find(vega);
  REQUIRE(at != std::string::npos);
  return html.erase(at, vega.size());
}

}  // namespace

TEST_CASE("report: tables have means, deviations, intervals, verdicts, and the paper's figures beside ours") {
  Runs runs;
  for (const int seed : {1, 2, 3}) {
    runs.add("U:6", seed, 69 + seed);
    runs.add("A:C+:4-8", seed, 60 + seed);
    runs.add("A:C-:4-8", seed, 70 + 1.1 * seed);
  }
  runs.add("fp32", 1, 0).status = study::Status::diverged;
  runs.all().back().final.reset();
  const std::string html = runs.html();
  CHECK(contains(html, "10 runs: 9 finished, 1 diverged"));
  CHECK(contains(html, "The best mean test accuracy is that of A:C-:4-8: 72.20 %"));
  CHECK(contains(html, "<td class=\"number\" data-csv=\"71\">71.00</td><td class=\"number\" data-csv=\"1\">1.00</td>"));
  // C+ minus C-: -10.1, -10.2, -10.3; t of 0.95 and 2 is 4.3027, so -10.2 -+ 4.3027 * 0.1 / sqrt(3).
  CHECK(contains(html, "C+ is worse than C-; C+ minus C- is -10.20 points (95 % interval -10.45 to -9.95, 3 seeds)"));
  CHECK(contains(html, "<span class=\"worse\">worse</span>"));
  CHECK(contains(html, ">91.51</td>"));
  CHECK(contains(html, "71.00 ± 1.00"));
  CHECK(contains(html, "62.00 ± 1.00"));
  CHECK_FALSE(contains(html, "customized models"));
  CHECK(contains(html, "Sizes; in brackets"));
  CHECK(contains(html, runs.all()[0].directory + "/config.toml</code></td>"));

  const json figures = script(html, "figures");
  const json bars = figure(figures, "-bars")["data"]["rows"];
  CHECK(bars["plan"] == json{"U:6", "A:C+:4-8", "A:C-:4-8"});
  CHECK(bars["mean"] == json{71, 62, 72.2});
  CHECK(bars["sd"] == json{1, 1, 1.1});
  CHECK(figure(figures, "-weights")["data"]["rows"]["size"] == json{0.25, 0.25, 0.25});
  CHECK(figure(figures, "-bitops")["data"]["rows"]["size"][0] == 3);
  const json bits = figure(figures, "-bits")["data"]["cells"];
  CHECK(bits["axes"]["layer"] == json{"stem.conv", "head"});
  CHECK(bits["axes"]["plan"].size() == 4);
  CHECK(bits["values"] == json{4, nullptr, 4, nullptr, 4, nullptr, 4, nullptr});
}

TEST_CASE("report: curves are smoothed, thinned, and have a band over seeds; what diverged is left out") {
  Runs runs;
  runs.add("U:6", 1, 70, 1, 1000);
  runs.add("U:6", 2, 80, 3, 1000);
  runs.add("U:6", 3, 0, 1e9, 1000).status = study::Status::diverged;
  runs.all()[0].losses[199].loss = 51;  // of step 200, in a window of 50 steps
  const json figures = runs.figures();
  const json points = figure(figures, "-loss")["data"]["points"];
  CHECK(points["step"].size() == 100);
  CHECK(points["step"][19] == 200);
  CHECK(points["mean"][18] == 2);
  CHECK(points["mean"][19] == 2.5);
  CHECK(points["low"][19] == 2);
  CHECK(points["high"][19] == 3);
  CHECK(points["mean"][23] == 2.5);
  CHECK(points["mean"][24] == 2);
  CHECK(points["plan"]["of"] == json{"U:6"});
  const json tests = figure(figures, "-evaluations")["data"]["points"];
  CHECK(tests["step"] == json{2, 1000});
  CHECK(tests["mean"] == json{37.5, 75});
}

TEST_CASE("report: runs are compared where they differ in plan and seed alone, and equal ones count once") {
  Runs runs;
  runs.add("U:6", 1, 70);
  runs.add("U:6", 2, 72).data_hash = "drawn by another seed";
  const std::string id = runs.all()[0].id;
  runs.add("U:6", 1, 70).id = id;
  runs.add("U:6", 1, 50, 1, 8);
  runs.add("U:6", 1, 50).recipe = "cpt";
  runs.all().back().config.quant.grad_bits = 8;
  const std::string html = runs.html();
  CHECK(contains(html, "resnet20 on cifar10 (recipe=paper, train.steps=4)"));
  CHECK(contains(html, "resnet20 on cifar10 (recipe=cpt, train.steps=4)"));
  CHECK(contains(html, "resnet20 on cifar10 (recipe=paper, train.steps=8)"));
  CHECK(contains(html, "1 run repeats a run"));
  CHECK(figure(script(html, "figures"), "recipe-paper-train.steps-4-bars")["data"]["rows"]["seeds"] == json{2});
}

TEST_CASE("report: a seed counts once, however often it was measured; of one seed no deviation is known") {
  Runs runs;
  runs.add("U:6", 1, 60).config.eval.every = 2;
  runs.all().back().status = study::Status::interrupted;
  runs.all().back().final.reset();
  runs.add("U:6", 1, 70).config.eval.every = 3;
  runs.add("U:6", 1, 70).config.probe.every = 1;
  const std::string html = runs.html();
  CHECK(contains(html, "2 runs repeat a run"));
  const json rows = figure(script(html, "figures"), "-bars")["data"]["rows"];
  CHECK(rows["seeds"] == json{1});
  CHECK(rows["mean"] == json{70});
  CHECK(rows["sd"] == json::array({nullptr}));
}

TEST_CASE("report: a run that is at work has points where the others have them") {
  Runs runs;
  runs.add("U:6", 1, 70, 1, 1000);
  study::Outcome& working = runs.add("U:6", 2, 0, 3, 1000);
  working.status = study::Status::running;
  working.final.reset();
  working.losses.resize(205);
  const json points = figure(runs.figures(), "-loss")["data"]["points"];
  CHECK(points["step"].size() == 100);
  CHECK(points["seeds"][19] == 2);
  CHECK(points["step"][20] == 210);
  CHECK(points["seeds"][20] == 1);
}

TEST_CASE("report: figures stand below the paper's row of their data, CIFAR-100 not below CIFAR-10") {
  Runs runs;
  runs.add("U:6", 1, 68).data = "cifar100";
  const std::string html = runs.html();
  const size_t ours = html.find("fqt: resnet20 on cifar100");
  REQUIRE(ours != std::string::npos);
  CHECK(ours > html.find(">ResNet-20, CIFAR-100<"));
  CHECK(count(html, "fqt: resnet20 on cifar100") == 1);
  CHECK_FALSE(contains(html, "other data than"));
}

TEST_CASE("report: the same difference in every pair is too little for a verdict") {
  Runs runs;
  for (const int seed : {1, 2}) {
    runs.add("A:C+:4-8", seed, 60 + seed);
    runs.add("A:C-:4-8", seed, 62 + seed).config.eval.every = seed;
  }
  CHECK(contains(runs.html(), "too few seeds to say; C+ minus C- is -2.00 for each of 2 seeds"));
}

TEST_CASE("report: a model or a plan that is unknown is an error of the run's manifest") {
  const auto check = [](auto change) {
    Runs runs;
    change(runs.add("U:6", 1, 70));
    try {
      runs.html();
      FAIL("an unknown name was read");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      CHECK(contains(error.what(), runs.all()[0].directory + "/manifest.json"));
      CHECK(contains(error.what(), "leave the run out"));
    }
  };
  check([](study::Outcome& run) { run.model = "perceptron"; });
  check([](study::Outcome& run) { run.plan = "Q:6"; });
}

TEST_CASE("report: the error of each layer, as probes measured it") {
  Runs runs;
  runs.add("U:6", 1, 70);
  runs.add("U:6", 2, 70);
  runs.html();
  const auto line = [](int step, const char* product, const char* lhs, const char* rhs) {
    return "{\"step\":" + std::to_string(step) + ",\"site\":\"stem.conv\",\"product\":\"" + product +
           "\",\"lhs\":{\"sqnr_db\":" + lhs + ",\"histogram\":[1,2]},\"rhs\":{\"sqnr_db\":" + rhs + "}}\n";
  };
  write(runs.all()[0].directory + "/probes.jsonl",
        line(1, "forward", "30", "40") + line(1, "grad_rhs", "30", "9") + line(3, "forward", "32", "null"));
  write(runs.all()[1].directory + "/probes.jsonl", line(1, "forward", "31", "42") + line(1, "grad_lhs", "21", "42") +
                                                       line(1, "grad_rhs", "31", "5") + "{\"step\":");
  const std::string html = runs.html();
  const json cells = figure(script(html, "figures"), "-errors")["data"]["cells"];
  CHECK(cells["axes"]["step"] == json{1, 3});
  CHECK(cells["axes"]["layer"] == json{"stem.conv"});  // the head is float
  CHECK(cells["values"] == json{30.5, 32, 41, nullptr, 15, nullptr});
  CHECK(contains(html, "Held worst: dY, gradient of the output of stem.conv under U:6 in step 1, 15.0 dB."));

  write(runs.all()[1].directory + "/probes.jsonl", line(1, "forward", "31", "42") + "oops\n");
  try {
    runs.html();
    FAIL("a damaged line was read");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    CHECK(contains(error.what(), "probes.jsonl:2"));
  }
}

TEST_CASE("report: nothing that runs say can become HTML or script") {
  const std::string evil = "</script><script>alert('x')</script><img src=x onerror=\"alert(1)\">\x01\xff";
  Runs runs;
  study::Outcome& run = runs.add(evil + ".toml", 1, 70);
  run.directory += "<script>";
  run.data = run.recipe = run.message = run.commit = run.weights_hash = evil;
  run.sites[0].site = evil;
  run.status = study::Status::failed;
  study::Outcome& finished = runs.add(evil + ".toml", 2, 70);
  finished.data = evil;
  finished.recipe = "a{{title}}b";
  const std::string html = without_vega(runs.html());
  CHECK(count(html, "<script") == 4);
  CHECK(count(html, "</script>") == 4);
  CHECK_FALSE(contains(html, "<img"));
  CHECK(contains(html, "&lt;script&gt;alert(&#39;x&#39;)"));
  CHECK(contains(html, "a{{title}}b"));
  CHECK(
      figure(script(html, "figures"), "-bars")["data"]["rows"]["plan"][0].get<std::string>().starts_with("</script>"));
}

TEST_CASE("report: a page asks nothing of a network, and its parts fit together") {
  Runs runs;
  runs.add("U:6", 1, 70);
  const std::string html = runs.html();
  CHECK(contains(html, "default-src 'none'"));
  CHECK_FALSE(contains(html, "sourceMappingURL"));
  const std::regex link("(src|href)=\"([^\"]*)\"");
  for (auto at = std::sregex_iterator(html.begin(), html.end(), link); at != std::sregex_iterator(); ++at) {
    const std::string target = (*at)[2];
    CHECK((target.starts_with("#") || target == "data:,"));
    if (target.starts_with("#")) CHECK(contains(html, "id=\"" + target.substr(1) + "\""));
  }
  const std::regex address("https?://[A-Za-z0-9./]*");
  for (auto at = std::sregex_iterator(html.begin(), html.end(), address); at != std::sregex_iterator(); ++at)
    CHECK(at->str().starts_with("http://www.w3.org/"));  // names of namespaces

  const json figures = script(html, "figures"), specs = script(html, "specs");
  CHECK(figures.size() == 7);
  std::set<std::string> ids;
  for (const json& figure : figures) {
    CHECK(ids.insert(figure["id"]).second);
    CHECK(contains(html, "id=\"" + figure["id"].get<std::string>() + "\""));
    REQUIRE(specs.contains(figure["spec"]));
    CHECK(figure["data"].contains(figure["csv"]));
    for (const auto& item : figure["data"].items()) {
      const json& declared = specs[figure["spec"].get<std::string>()]["data"];
      CHECK(std::ranges::any_of(declared, [&](const json& set) { return set["name"] == item.key(); }));
    }
  }
  CHECK(count(html, "<h1") == 1);
  CHECK(contains(html, "Copyright (c) 2015-2021, University of Washington Interactive Data Lab"));
}

TEST_CASE("report: 200 runs of 400 steps stay small") {
  Runs runs;
  for (int seed = 1; seed <= 10; ++seed)
    for (int bits = 2; bits <= 11; ++bits) {
      runs.add("U:" + std::to_string(bits), seed, 70 + bits, 1 + 0.1234567 * bits / seed, 400);
      runs.add("A:C+:2-" + std::to_string(bits + 1), seed, 70 + bits, 1 + 0.1234567 * bits / seed, 400);
    }
  CHECK(runs.html().size() < 2'000'000);
}

TEST_CASE("report: plans of a setup can be told apart by colour, and by dash and mark") {
  std::vector<study::PlanRuns> plans;
  for (const char* text : {"fp32", "U:4", "U:6", "U:8", "A:C+:4-8", "A:C-:4-8", "A:C+:6-8", "F:C+:4-8", "R:4-8"})
    plans.push_back({text, quant::parse_plan(text), {}});
  plans.push_back({"my.toml", {}, {}});
  std::set<std::pair<std::string_view, const study::Mark*>> seen;
  for (const study::PlanStyle& style : study::plan_styles(plans)) CHECK(seen.emplace(style.color, style.mark).second);
  const std::vector<study::PlanStyle> styles = study::plan_styles(plans);
  CHECK(styles[4].color == styles[5].color);
  CHECK(styles[4].mark != styles[5].mark);
  CHECK(styles[4].color != styles[7].color);
}

TEST_CASE("report: the command writes a file, and says what is wrong") {
  const TemporaryFolder folder;
  const auto fqt = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "report");
    return fqt_program(arguments, {}, folder.path());
  };
  const test::Outcome trained =
      fqt_program({"train", "resnet8", "--steps", "2", "--batch", "2", "--set", "eval.images=2", "--set",
                   "probe.every=1", "--threads", "1", "--out", folder / "runs/a"});
  CAPTURE(trained.err);
  REQUIRE(trained.exit_code == 0);

  const test::Outcome written = fqt({"runs"});
  CHECK(written.exit_code == 0);
  CHECK(contains(written.out, "1 run: 1 finished\nwrote report.html"));
  const std::string html = read(folder / "report.html");
  CHECK(contains(html, "resnet8 on shapes"));
  const json cells = figure(script(html, "figures"), "-errors")["data"]["cells"];
  CHECK(cells["axes"]["step"] == json{1, 2});
  CHECK(cells["values"][0] > 10);

  const test::Outcome brief = fqt({"runs/a", "runs", "-o", "b.html", "--json"});
  const json said = parse_json(brief.out);
  CHECK(said["file"] == "b.html");
  CHECK(said["runs"] == 1);
  CHECK(said["status"]["finished"] == 1);
  CHECK(said["groups"][0]["plan"] == "U:6");
  CHECK(said["bytes"] == std::filesystem::file_size(folder / "b.html"));

  std::filesystem::create_directories(folder / "empty");
  const test::Outcome empty = fqt({"empty"});
  CHECK(empty.exit_code == 66);
  CHECK(contains(empty.err, "the folder empty is empty; name a run directory"));
  CHECK(fqt({"none"}).exit_code == 66);
  CHECK(fqt({}).exit_code == 2);
  CHECK(fqt({"runs", "-o", "nowhere/b.html"}).exit_code == 74);
  json manifest = parse_json(read(folder / "runs/a/manifest.json"));
  manifest.erase("sites");
  manifest["version"] = "0.0.1";
  write(folder / "runs/a/manifest.json", manifest.dump());
  const test::Outcome older = fqt({"runs"});
  CHECK(older.exit_code == 65);
  CHECK(contains(older.err, "manifest.json has no key 'sites': another version wrote it (fqt 0.0.1"));
  CHECK(read(folder / "report.html") == html);
}
