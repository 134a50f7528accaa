#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fqt::trainer {

/// "constant, step, cosine"
std::string join(std::span<const std::string> words, std::string_view separator = ", ");

/// 272474 as "272,474".
std::string grouped(int64_t number);

/// 75 as "1:15", 3675 as "1:01:15".
std::string clock_time(double seconds);

/// The known words that `word` may have been meant to be, at most three, in order: those that it is dotted parts of
/// ("batch" of "train.batch"), or else those the fewest edits away, if that is few. In `word` and in `known` * stands
/// for any run of letters and ? for one.
std::vector<std::string> near_misses(std::string_view word, std::span<const std::string> known);

/// "; did you mean 'train.batch'?", "; did you mean 'a', 'b' or 'c'?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

/// Quoted where it has to be (RFC 4180).
std::string csv_field(const std::string& text);

/// With control characters written out: "a\\nb", "\\x1b".
std::string printable(std::string_view text);

}  // namespace fqt::trainer
