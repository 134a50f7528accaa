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

/// The known word most like `word`: the one it is the last dotted part of, or the one fewest edits away. Empty where
/// nothing is near enough to be what was meant.
std::string nearest(std::string_view word, std::span<const std::string> known);

/// "; did you mean 'train.batch'?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace fqt::trainer
