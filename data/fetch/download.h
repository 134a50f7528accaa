#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace fqt::data {

/// Told of the bytes there are and those there will be (0: not known). May throw: that ends the download.
using DownloadProgress = std::function<void(int64_t done, int64_t total)>;

/// Downloads `url` to `file`, going on from what an earlier attempt left there, whatever ends this one. An https
/// address is never left for http. Error(io) that says what to do where there is no network, the server refuses, or
/// more than `most` bytes come.
void download(const std::string& url, const std::string& file, int64_t most, const DownloadProgress& progress);

}  // namespace fqt::data
