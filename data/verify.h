#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/open.h"

namespace fqt::data {

/// What reading one part of the data came to.
struct SplitReport {
  std::string name;   ///< "cifar10/train"
  int64_t items = 0;  ///< images or tokens, of an epoch where they are endless
  int64_t kinds = 0;  ///< classes or words
  uint64_t hash = 0;  ///< of every label and pixel, or every token, as read
};

/// Reads every record. Throws what reading throws; `progress` is told of the items read in a part, and may throw.
std::vector<SplitReport> verify(
    const Data& data, const std::function<void(const std::string& part, int64_t done, int64_t total)>& progress);

}  // namespace fqt::data
