#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "data/fetch/download.h"

namespace fqt::data {

/// Public data that can be downloaded.
struct Source {
  std::string_view name, description;
  std::string_view url;
  std::string_view algorithm, checksum;  ///< of the archive
  std::string_view folder;               ///< that the archive holds
  int64_t most_packed, most_unpacked;    ///< bytes: more is not what is wanted
};

std::span<const Source> sources();
/// Error(usage) that lists the sources where there is none of this name.
const Source& find_source(const std::string& name);

struct FetchOptions {
  std::string directory;  ///< where the folder of the data goes; made where it does not exist
  std::string url;        ///< another address of the archive; empty: the official one
  std::string checksum;   ///< "md5:..." or "sha256:...": of another archive; empty: the official one's
};

/// Downloads a source's archive, verifies its checksum and unpacks it; returns the folder of the data. The archive is
/// kept in NAME.part until it is whole, so that an attempt cut off goes on later; the folder appears whole or not at
/// all. Error(usage) where it exists already; Error(io) as download(); Error(data) where the archive is not what it
/// should be (then it is removed) or unpack() refuses it. `progress` may throw, which ends it all.
std::string fetch(const Source& source, const FetchOptions& options, const DownloadProgress& progress);

}  // namespace fqt::data
