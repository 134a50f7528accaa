#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/open.h"

namespace fqt::data {

struct MakeOptions {
  uint64_t seed = 1;
  int64_t side = 0;   ///< shapes: a folder of PNG of this side; 0: CIFAR-10's layout, 32x32
  int64_t train = 0;  ///< images or documents to train with; 0: as many as an epoch has
  int64_t test = 0;   ///< to test with (and, documents, to validate with); 0: as many as there are
};

/// Writes built-in data in a public format, for other programs or for the tests of this one: `shapes` in CIFAR-10's
/// binary layout or as folders of PNG (train/CLASS/*.png and val/CLASS/*.png, a class named by its label and figure),
/// `grammar` as three files like Penn Treebank's, a sentence a line. `folder` must be new; it appears whole or not at
/// all. Error(usage) for other names and where the folder exists; Error(io) where it cannot be written. `progress` may
/// throw.
void make_data(const std::string& name, const std::string& folder, const MakeOptions& options,
               const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace fqt::data
