#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace fqt {

/// What went wrong, in the terms a program turns into an exit code.
enum class ErrorKind {
  usage,        ///< the caller asked for something that does not exist or does not fit (shapes, names, options)
  data,         ///< an input was read but is malformed, or holds NaN or infinity
  missing,      ///< an input does not exist
  io,           ///< the operating system refused to read or write
  interrupted,  ///< a person asked to stop; what was done is kept
  internal,     ///< a bug in fqt
};

/// The one family of exceptions fqt throws. The message says what, where and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

namespace detail {
[[noreturn]] void fail(ErrorKind kind, fmt::string_view format, fmt::format_args args);
}

/// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  detail::fail(kind, format, fmt::make_format_args(args...));
}

/// Throws Error(usage) unless `condition` holds: for what a caller can get wrong.
template <typename... Args>
void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) detail::fail(ErrorKind::usage, format, fmt::make_format_args(args...));
}

}  // namespace fqt
