#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace fqt::data {

/// Unpacks a .tar.gz or .zip into `folder`. Only plain files and folders with names that stay below it are unpacked:
/// Error(data) names the entry for links, devices, absolute names and "..", where all files together exceed `most`
/// bytes, and where the archive is malformed. What was unpacked until then stays. `progress` may throw.
void unpack(const std::string& archive, const std::string& folder, int64_t most, const std::function<void()>& progress);

}  // namespace fqt::data
