#include "data/find.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace fqt::data {

std::vector<Found> find_data(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<Found> found;
  const auto look = [&](const std::string& path) {
    const DataKind* kind = recognise(path);
    // A kind that is recognised by its folder's parent, too, is listed once.
    const bool known = std::ranges::any_of(found, [&](const Found& other) { return other.kind == kind; });
    if (kind && kind->name != "text" && (path != folder || !known)) found.push_back({path, kind});
  };
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) look(entry->path().string());
  }
  if (!error) look(folder);
  std::ranges::sort(found, {}, &Found::path);
  return found;
}

std::string data_directory() {
  const char* given = std::getenv("FQT_DATA");
  return given && *given ? given : "data";
}

std::vector<Found> find_data_here() {
  std::vector<Found> found = find_data(data_directory());
  for (Found& here : find_data(".")) {
    here.path = std::filesystem::path(here.path).lexically_normal().string();
    found.push_back(std::move(here));
  }
  return found;
}

}  // namespace fqt::data
