#include "study/places.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "engine/check.h"
#include "engine/find.h"
#include "trainer/experiment.h"

namespace fqt::study {

DataPlaces::DataPlaces(const std::vector<std::string>& given) : found_(data::find_data_here()) {
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    check(equals != std::string::npos && equals > 0 && equals + 1 < text.size(),
          "[sweep] --data {}: expected NAME=PATH, such as cifar10=cifar-10-batches-bin", text);
    const auto [place, is_new] = given_.emplace(text.substr(0, equals), text.substr(equals + 1));
    check(is_new, "[sweep] --data {}: the place of {} is given twice", text, place->first);
  }
}

std::string DataPlaces::find(const std::string& names) const {
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, '|');)
    if (const std::string place = find_one(name); !place.empty()) return trainer::anchored_data(place);
  const std::string last = names.substr(names.rfind('|') + 1);
  fail(ErrorKind::missing,
       "[sweep] there is no data '{}' here: say where it lies with --data {}=PATH; `fqt data list` shows what is found "
       "and what can be downloaded",
       names, last);
}

/// Empty where there is none.
std::string DataPlaces::find_one(const std::string& name) const {
  if (const auto place = given_.find(name); place != given_.end()) return place->second;
  const data::DataKind* kind = find_or_null(data::data_kinds(), name);
  if (kind != nullptr && kind->built_in) return name;
  std::error_code error;
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".txt");
  if (is_path) return std::filesystem::exists(name, error) ? name : "";
  const auto found = std::ranges::find(found_, kind, &data::Found::kind);
  return kind != nullptr && found != found_.end() ? found->path : "";
}

}  // namespace fqt::study
