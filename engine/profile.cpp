#include "engine/profile.h"

#include <chrono>
#include <memory>
#include <mutex>

#include "engine/check.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace fqt::profile {
namespace internal {

std::atomic<bool> recording = false;

}  // namespace internal
namespace {

using Clock = std::chrono::steady_clock;
using internal::Frame;

/// An event in ticks.
struct Raw {
  Label label;
  uint64_t start, end;
  uint64_t self;
  std::array<uint64_t, kPhases> tallies;
};

/// What one thread did.
struct Track {
  std::vector<Raw> events;
};

/// A recording under way. Tracks outlive their threads.
struct State {
  std::mutex mutex;
  std::vector<std::shared_ptr<Track>> tracks;
  uint64_t generation = 0;
  uint64_t start_ticks = 0;
  Clock::time_point start_time;
};

State& state() {
  static State state;
  return state;
}

thread_local Frame* t_frame = nullptr;
thread_local std::shared_ptr<Track> t_track;
thread_local uint64_t t_generation = 0;

Track& track() {
  State& all = state();
  const std::lock_guard lock(all.mutex);
  if (t_generation != all.generation) {
    t_generation = all.generation;
    t_track = std::make_shared<Track>();
    all.tracks.push_back(t_track);
  }
  return *t_track;
}

}  // namespace

namespace internal {

uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

Frame* innermost() { return t_frame; }

void open(Frame& frame, Label label) {
  if (t_frame != nullptr) {
    if (label.operation.empty()) label.operation = t_frame->label.operation;
    if (label.detail.empty()) label.detail = t_frame->label.detail;
  }
  frame.parent = t_frame;
  frame.label = label;
  frame.inside = 0;
  frame.tallies.fill(0);
  t_frame = &frame;
  frame.start = ticks();
}

void close(Frame& frame) {
  const uint64_t end = ticks(), spent = end - frame.start;
  t_frame = frame.parent;
  if (frame.parent != nullptr) frame.parent->inside += spent;
  if (recording) track().events.push_back({frame.label, frame.start, end, spent - frame.inside, frame.tallies});
}

}  // namespace internal

Label current() { return t_frame == nullptr ? Label() : t_frame->label; }

Recording::Recording() {
  check(!recording(), "[profile] a recording is under way already");
  State& all = state();
  {
    const std::lock_guard lock(all.mutex);
    ++all.generation;
    all.tracks.clear();
  }
  track();  // the recording thread is the first
  all.start_time = Clock::now();
  all.start_ticks = internal::ticks();
  internal::recording = true;
}

Recording::~Recording() { internal::recording = false; }

std::vector<Event> Recording::stop() {
  internal::recording = false;
  State& all = state();
  const std::lock_guard lock(all.mutex);
  const double seconds = std::chrono::duration<double>(Clock::now() - all.start_time).count();
  const double second_per_tick = seconds / static_cast<double>(internal::ticks() - all.start_ticks);
  const auto in_seconds = [&](uint64_t ticks) { return static_cast<double>(ticks) * second_per_tick; };
  std::vector<Event> events;
  for (size_t thread = 0; thread < all.tracks.size(); ++thread)
    for (const Raw& raw : all.tracks[thread]->events) {
      Event event{.phase = raw.label.phase,
                  .operation = std::string(raw.label.operation),
                  .detail = std::string(raw.label.detail),
                  .thread = static_cast<int>(thread),
                  .start = in_seconds(raw.start - all.start_ticks),
                  .seconds = in_seconds(raw.end - raw.start)};
      for (size_t phase = 0; phase < kPhases; ++phase) event.own[phase] = in_seconds(raw.tallies[phase]);
      event.own[static_cast<size_t>(raw.label.phase)] += in_seconds(raw.self);
      events.push_back(event);
    }
  return events;
}

}  // namespace fqt::profile
