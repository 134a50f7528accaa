#pragma once

#include <iterator>
#include <string>
#include <string_view>

#include "engine/check.h"

namespace fqt {

/// "a, b, c": the names of a table's rows.
template <typename Rows>
std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

/// The row of a table by its name; null where there is none.
template <typename Rows>
auto find_or_null(const Rows& rows, std::string_view name) -> decltype(&*std::begin(rows)) {
  for (const auto& row : rows)
    if (row.name == name) return &row;
  return nullptr;
}

/// The row of a table by its name. Error(usage) "[where] no WHAT 'name'; known: ..." where there is none.
template <typename Rows>
const auto& find_row(const Rows& rows, std::string_view name, const char* where, const char* what) {
  const auto* row = find_or_null(rows, name);
  if (row == nullptr) fail(ErrorKind::usage, "[{}] no {} '{}'; known: {}", where, what, name, names_of(rows));
  return *row;
}

}  // namespace fqt
