#pragma once

#include <string>
#include <vector>

#include "data/open.h"

namespace fqt::data {

/// Data found in a folder.
struct Found {
  std::string path;
  const DataKind* kind;
};

/// What of the kinds that have files of fixed names lies in `folder` itself or in one of its folders, sorted by path.
/// Plain text is left out: a .txt lies in many a folder. Nothing where there is no such folder.
std::vector<Found> find_data(const std::string& folder);

/// Where data lies by custom: the folder that FQT_DATA names, else `data`.
std::string data_directory();

/// What lies there and in the working directory.
std::vector<Found> find_data_here();

}  // namespace fqt::data
