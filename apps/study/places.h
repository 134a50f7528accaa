#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/find.h"

namespace fqt::study {

/// Where the data that a spec names lies. A name is looked for among those given (--data NAME=PATH), then among the
/// built-in data, then as a path (it has a '/' or is a .txt file), then as a kind among what `fqt data list` finds.
/// Names may stand in a row, "cifar10|shapes": the first that is there.
class DataPlaces {
 public:
  /// `given`: NAME=PATH. Error(usage) for what is not, and for a name that is given twice.
  explicit DataPlaces(const std::vector<std::string>& given);

  /// Built-in data by name, or an absolute path. Error(missing) where none of the names is there, with what to do.
  std::string find(const std::string& names) const;

 private:
  std::string find_one(const std::string& name) const;
  std::map<std::string, std::string> given_;
  std::vector<data::Found> found_;
};

}  // namespace fqt::study
