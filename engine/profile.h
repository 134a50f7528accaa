#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Where the time of a training step goes. Code says what it is at with a Scope; unless somebody records, that costs a
// load and a branch.

namespace fqt::profile {

/// What time is spent on.
enum class Phase : uint8_t {
  other,
  loader,     ///< waiting for the next batch
  range,      ///< finding where an operand's values lie
  quantize,   ///< rounding an operand to levels and laying it out
  pack,       ///< rearranging operands for the tiles of a product
  gemm,       ///< multiplying and adding
  epilogue,   ///< sums to float32
  norm,       ///< batch norm, layer norm and what is fused with them
  pointwise,  ///< activations, sums, dropout, pooling, embeddings
  sequence,   ///< the cell of an LSTM, softmax, heads of an attention
  loss,
  optimizer,  ///< clipping and the update
};
inline constexpr size_t kPhases = static_cast<size_t>(Phase::optimizer) + 1;
inline constexpr std::array<std::string_view, kPhases> kPhaseNames{"other",     "loader",   "range",    "quantize",
                                                                   "pack",      "gemm",     "epilogue", "norm",
                                                                   "pointwise", "sequence", "loss",     "optimizer"};

/// What a thread is at. The names must live until the recording is stopped: names of sites, or literals.
struct Label {
  Phase phase = Phase::other;
  std::string_view operation = {};  ///< the site of a product, or the name of an operation
  std::string_view detail = {};     ///< "forward", "grad_lhs", ...
};

/// Seconds by phase.
using PhaseSeconds = std::array<double, kPhases>;

/// One Scope as it was.
struct Event {
  Phase phase = Phase::other;
  std::string operation, detail;  ///< as in Label
  int thread = 0;                 ///< 0 is the one that records
  double start = 0, seconds = 0;
  PhaseSeconds own = {};  ///< `seconds` less those of the scopes inside, split where it was told apart
};

namespace internal {

extern std::atomic<bool> recording;

/// A Scope that is open.
struct Frame {
  Frame* parent;
  Label label;
  uint64_t start;
  uint64_t inside;  ///< ticks of scopes and tallies in this one
  std::array<uint64_t, kPhases> tallies;
};

void open(Frame& frame, Label label);
void close(Frame& frame);
/// Ticks of a steady clock that is quick to read.
uint64_t ticks();
/// The innermost open frame of this thread, or null.
Frame* innermost();

}  // namespace internal

inline bool recording() { return internal::recording.load(std::memory_order_relaxed); }

/// What this thread is at: what a Scope opened now would be inside of.
Label current();

/// The time of a block. A name left empty is that of the scope around it.
class Scope {
 public:
  explicit Scope(const Label& label) : open_(recording()) {
    if (open_) internal::open(frame_, label);
  }
  explicit Scope(Phase phase, std::string_view operation = {}, std::string_view detail = {})
      : Scope(Label{phase, operation, detail}) {}
  ~Scope() {
    if (open_) internal::close(frame_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  bool open_;
  internal::Frame frame_;
};

/// A Scope for blocks of microseconds: told apart from the time of the scope around it, and no event of its own.
class Tally {
 public:
  explicit Tally(Phase phase) : open_(recording()), phase_(phase) {
    if (open_) start_ = internal::ticks();
  }
  ~Tally() {
    if (!open_) return;
    internal::Frame* const frame = internal::innermost();
    if (frame == nullptr) return;
    const uint64_t spent = internal::ticks() - start_;
    frame->tallies[static_cast<size_t>(phase_)] += spent;
    frame->inside += spent;
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

 private:
  bool open_;
  Phase phase_;
  uint64_t start_;
};

/// Records the scopes of all threads from its making on. There is one at a time, and neither end of it is inside a
/// scope.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Ends it: events by the time they ended, thread by thread, in seconds from its making.
  std::vector<Event> stop();
};

}  // namespace fqt::profile
