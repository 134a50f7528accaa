#pragma once

#include <string_view>

namespace fqt::study {

/// A file that a report is made of, as it was when fqt was built: "page.html", "vega.js". Error(internal) where there
/// is none.
std::string_view asset(std::string_view name);

}  // namespace fqt::study
