#include "trainer/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace fqt::trainer {
namespace {

constexpr size_t kMostNear = 3;       ///< words that an error suggests
constexpr size_t kLongestWord = 200;  ///< nobody mistypes longer ones

bool is_wildcard(char letter) { return letter == '*' || letter == '?'; }

/// Letters added, left out, replaced, or swapped with their neighbour (Damerau 1964). On both sides * stands for any
/// run of letters and ? for one.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 && j == 0) continue;
      const char x = i > 0 ? a[i - 1] : '\0', y = j > 0 ? b[j - 1] : '\0';
      const size_t free = x == '*' || y == '*' ? 0 : 1;
      size_t least = std::numeric_limits<size_t>::max();
      if (i > 0) least = std::min(least, d[i - 1][j] + free);
      if (j > 0) least = std::min(least, d[i][j - 1] + free);
      if (i > 0 && j > 0) least = std::min(least, d[i - 1][j - 1] + (x != y && !is_wildcard(x) && !is_wildcard(y)));
      const bool swapped = i > 1 && j > 1 && x == b[j - 2] && a[i - 2] == y;
      if (swapped) least = std::min(least, d[i - 2][j - 2] + 1);
      d[i][j] = least;
    }
  }
  return d[a.size()][b.size()];
}

/// Whether `word` is `name` with some of its dotted parts left out: "stage2.conv1" of "stage2.block0.conv1".
bool abbreviates(std::string_view word, std::string_view name) {
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find('.')), wanted = word.substr(0, word.find('.'));
    if (part == wanted) {
      if (wanted.size() == word.size()) return true;
      word.remove_prefix(wanted.size() + 1);
    }
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  return false;
}

}  // namespace

std::string join(std::span<const std::string> words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words.begin(), words.end(), separator));
}

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string clock_time(double seconds) {
  const int64_t total = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::vector<std::string> near_misses(std::string_view word, std::span<const std::string> known) {
  std::vector<std::string> near;
  if (word.size() > kLongestWord) return near;
  for (const std::string& candidate : known)
    if (near.size() < kMostNear && abbreviates(word, candidate)) near.push_back(candidate);
  if (!near.empty()) return near;
  const auto wildcards = static_cast<size_t>(std::count_if(word.begin(), word.end(), is_wildcard));
  size_t least = std::max<size_t>(wildcards > 0 ? 0 : 1, (word.size() - wildcards) / 3);
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongestWord) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance > least) continue;
    if (distance < least) near.clear();
    least = distance;
    if (near.size() < kMostNear) near.push_back(candidate);
  }
  return near;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  std::vector<std::string> near = near_misses(word, known);
  if (near.empty()) return "";
  for (std::string& name : near) name = fmt::format("'{}'", printable(name));
  const std::string last = near.back();
  near.pop_back();
  return fmt::format("; did you mean {}{}{}?", join(near), near.empty() ? "" : " or ", last);
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '\n')
      result += "\\n";
    else if (letter == '\t')
      result += "\\t";
    else if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f')
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(letter));
    else
      result += letter;
  }
  return result;
}

}  // namespace fqt::trainer
