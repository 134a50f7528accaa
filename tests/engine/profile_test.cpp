// Where time goes: scopes inside each other, on several threads, and what a tape's gradients count as.
#include "engine/profile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/ops/elementwise.h"
#include "engine/parallel.h"
#include "support/thread_count.h"

using namespace fqt;
using profile::Event;
using profile::Phase;
using profile::Scope;

namespace {

void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

double own(const Event& event, Phase phase) { return event.own[static_cast<size_t>(phase)]; }

double total(const std::vector<Event>& events) {
  double seconds = 0;
  for (const Event& event : events)
    for (const double part : event.own) seconds += part;
  return seconds;
}

}  // namespace

TEST_CASE("profile: nothing is recorded unless somebody asks") {
  {
    const Scope scope(Phase::norm, "before");
    CHECK_FALSE(profile::recording());
    CHECK(profile::current().operation.empty());
  }
  profile::Recording recording;
  CHECK(profile::recording());
  CHECK(recording.stop().empty());
  CHECK_FALSE(profile::recording());
}

TEST_CASE("profile: a scope's own time is its time less that of the scopes and tallies inside") {
  profile::Recording recording;
  {
    const Scope outer(Phase::other, "site", "forward");
    wait();
    {
      const Scope inner(Phase::gemm);
      CHECK(profile::current().operation == "site");  // what is not said is that of the scope around it
      CHECK(profile::current().detail == "forward");
      wait();
      const profile::Tally tally(Phase::pack);
      wait();
    }
    CHECK(profile::current().phase == Phase::other);
  }
  const std::vector<Event> events = recording.stop();
  REQUIRE(events.size() == 2);
  const Event &inner = events[0], &outer = events[1];
  CHECK(inner.phase == Phase::gemm);
  CHECK(outer.phase == Phase::other);
  CHECK(inner.start >= outer.start);
  CHECK(inner.start + inner.seconds <= outer.start + outer.seconds + 1e-9);
  for (const double part : {own(inner, Phase::gemm), own(inner, Phase::pack), own(outer, Phase::other)})
    CHECK(part >= 0.004);
  CHECK(own(outer, Phase::gemm) == 0);
  CHECK(total(events) == doctest::Approx(outer.seconds).epsilon(1e-6));
}

TEST_CASE("profile: what other threads do of a parallel loop has its label and a row of its own") {
  const test::ThreadCount two(2);
  profile::Recording recording;
  {
    const Scope scope(Phase::norm, "batch_norm");
    parallel_for(64, 1, [](int64_t, int64_t) { wait(); });
  }
  const std::vector<Event> events = recording.stop();
  for (const Event& event : events) {
    CHECK(event.phase == Phase::norm);
    CHECK(event.operation == "batch_norm");
  }
  CHECK(std::ranges::count(events, 0, &Event::thread) == 1);
  CHECK(std::ranges::count(events, 1, &Event::thread) >= 1);
}

TEST_CASE("profile: a gradient counts as what made its value, backward") {
  Parameter parameter{"w", Tensor::full({8}, 1.0f), {}};
  profile::Recording recording;
  Tape tape;
  const Var y = ops::relu(tape, tape.parameter(parameter));
  tape.backward(tape.record(Tensor::scalar(0), {y}, [](Tensor) { return std::vector{Tensor::full({8}, 1.0f)}; }));
  const std::vector<Event> events = recording.stop();
  std::vector<std::string> relus;
  for (const Event& event : events)
    if (event.operation == "relu") {
      CHECK(event.phase == Phase::pointwise);
      relus.push_back(event.detail);
    }
  CHECK(relus == std::vector<std::string>{"", "backward"});
}

TEST_CASE("profile: an exception closes the scopes it leaves, and a recording that was dropped leaves none behind") {
  {
    const profile::Recording dropped;
    CHECK_THROWS_AS(
        [] {
          const Scope scope(Phase::loss, "thrown");
          throw std::runtime_error("x");
        }(),
        std::runtime_error);
    CHECK(profile::current().operation.empty());
  }
  profile::Recording recording;
  { const Scope scope(Phase::loss, "after"); }
  const std::vector<Event> events = recording.stop();
  REQUIRE(events.size() == 1);
  CHECK(events[0].operation == "after");
}
