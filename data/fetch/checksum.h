#pragma once

#include <string>

namespace fqt::data {

/// The digest of a file in lower-case hexadecimal; `algorithm` is "md5" or "sha256". Error(io) where it cannot be read,
/// Error(usage) for another algorithm.
std::string file_checksum(const std::string& file, const std::string& algorithm);

}  // namespace fqt::data
