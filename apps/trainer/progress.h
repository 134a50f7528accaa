#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fqt::trainer {

/// How far a piece of work is.
struct ProgressState {
  std::string_view what;              ///< "step", "test"
  std::string_view items = "images";  ///< or "tokens", of which perplexity is shown in place of accuracy
  int64_t done = 0, total = 0;
  bool has_result = false;
  double loss = 0, accuracy = 0;  ///< loss in nats, accuracy in percent
  double items_per_second = 0;    ///< 0: not known yet
  double seconds_left = 0;
};

/// One line for a terminal of `width` columns, never wider: what does not fit is left out, the bar first, then the
/// least important figures from the right.
std::string format_bar(const ProgressState& state, int width, bool color);

/// One plain line with everything.
std::string format_line(const ProgressState& state);

/// Shows progress on standard error: a bar that is redrawn on a terminal, a line every few seconds elsewhere, nothing
/// where `quiet`. NO_COLOR (https://no-color.org) and TERM=dumb are respected. What cannot be shown is not an error.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `state` unless something was shown just before.
  void update(const ProgressState& state);
  /// A line of its own, above the bar.
  void note(const std::string& line);
  /// The same, of what must be known even where `quiet`.
  void warn(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void erase_bar();

  bool quiet_, terminal_, color_;
  bool bar_shown_ = false;
  Clock::time_point next_;
};

}  // namespace fqt::trainer
