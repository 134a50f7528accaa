#include "trainer/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/math.h"
#include "trainer/terminal.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr auto kBarInterval = std::chrono::milliseconds(100);
constexpr auto kLineInterval = std::chrono::seconds(5);
constexpr int kMinBar = 6, kMaxBar = 40;

/// The figures of a state, the most important first.
std::vector<std::string> figures(const ProgressState& state) {
  std::vector<std::string> texts{fmt::format("{} {}/{}", state.what, state.done, state.total)};
  if (state.has_result) {
    texts.push_back(fmt::format("loss {:.3f}", state.loss));
    texts.push_back(state.items == "tokens" ? fmt::format("perplexity {:.1f}", math::exp(state.loss))
                                            : fmt::format("accuracy {:.1f} %", state.accuracy));
  }
  if (state.items_per_second > 0 || state.seconds_left > 0)
    texts.push_back(fmt::format("{} left", clock_time(state.seconds_left)));
  if (state.items_per_second > 0) texts.push_back(fmt::format("{:.0f} {}/s", state.items_per_second, state.items));
  return texts;
}

std::string bar_of(const ProgressState& state, int width, bool color) {
  const double share = state.total > 0 ? static_cast<double>(state.done) / static_cast<double>(state.total) : 0;
  const int full = std::clamp(static_cast<int>(std::floor(share * width)), 0, width);
  const std::string done(static_cast<size_t>(full), '#'), rest(static_cast<size_t>(width - full), '-');
  return color ? fmt::format("[\x1b[36m{}\x1b[2m{}\x1b[0m]", done, rest) : fmt::format("[{}{}]", done, rest);
}

/// Progress that nobody can read any more is no reason to stop: failures are ignored.
void show(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string format_bar(const ProgressState& state, int width, bool color) {
  const size_t room = static_cast<size_t>(std::max(width, 1)) - 1;  // the last column stays free: terminals wrap there
  const std::vector<std::string> texts = figures(state);
  std::string line = texts[0].substr(0, room), tail;
  for (size_t i = 1; i < texts.size() && line.size() + tail.size() + 2 + texts[i].size() <= room; ++i)
    tail.append("  ").append(texts[i]);
  const int bar = static_cast<int>(room - line.size() - tail.size()) - 3;  // a space and two brackets
  if (bar >= kMinBar) line.append(" ").append(bar_of(state, std::min(bar, kMaxBar), color));
  return line + tail;
}

std::string format_line(const ProgressState& state) { return join(figures(state)); }

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(is_terminal(STDERR_FILENO)),
      color_(wants_color(STDERR_FILENO)),
      next_(Clock::now() + (terminal_ ? Clock::duration{} : kLineInterval)) {}

Progress::~Progress() { erase_bar(); }

void Progress::erase_bar() {
  if (bar_shown_) show("\r\x1b[K");
  bar_shown_ = false;
}

void Progress::update(const ProgressState& state) {
  const auto now = Clock::now();
  if (quiet_ || now < next_) return;
  if (terminal_)
    show(fmt::format("\r{}\x1b[K", format_bar(state, terminal_width(STDERR_FILENO), color_)));
  else
    show(format_line(state) + "\n");
  bar_shown_ = terminal_;
  next_ = now + (terminal_ ? Clock::duration(kBarInterval) : Clock::duration(kLineInterval));
}

void Progress::note(const std::string& line) {
  if (!quiet_) warn(line);
}

void Progress::warn(const std::string& line) {
  erase_bar();
  show(line + "\n");
}

}  // namespace fqt::trainer
