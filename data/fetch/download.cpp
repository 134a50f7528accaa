#include "data/fetch/download.h"

#include <curl/curl.h>

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>

#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

/// What curl's callbacks work on.
struct Transfer {
  std::FILE* file;
  int64_t done, most;  ///< bytes in the file
  const DownloadProgress& progress;
  std::exception_ptr error;  ///< what a callback threw: exceptions must not pass through C
  bool too_much = false, unwritable = false;
};

size_t on_bytes(char* bytes, size_t, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.too_much = transfer.done + static_cast<int64_t>(count) > transfer.most;
  if (transfer.too_much) return CURL_WRITEFUNC_ERROR;
  transfer.unwritable = std::fwrite(bytes, 1, count, transfer.file) != count;
  if (transfer.unwritable) return CURL_WRITEFUNC_ERROR;
  transfer.done += static_cast<int64_t>(count);
  return count;
}

int on_progress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  try {
    transfer.progress(transfer.done, total > 0 ? transfer.done - now + total : 0);
    return 0;
  } catch (...) {
    transfer.error = std::current_exception();
    return 1;
  }
}

/// What to do about an error of curl's.
std::string advice(CURLcode code) {
  if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY) {
    return "is this machine online? The archive may be fetched elsewhere and unpacked by hand";
  }
  if (code == CURLE_HTTP_RETURNED_ERROR) return "the address may have moved; give another with --url";
  return "run it again: it goes on where it stopped";
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Handle make_handle(const std::string& url, Transfer& transfer, char* message) {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  Handle handle(initialized == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!handle) fail(ErrorKind::io, "[download] libcurl does not start");
  CURL* curl = handle.get();
  const char* protocols = url.starts_with("https:") ? "https" : "http,https";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "fqt");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.done));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  return handle;
}

/// False where the server cannot go on from the middle.
bool attempt(const std::string& url, const std::string& file, int64_t most, const DownloadProgress& progress) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> stream(std::fopen(file.c_str(), "ab"), std::fclose);
  if (!stream) fail(ErrorKind::io, "[download] {} cannot be written; check the folder's permissions", file);
  Transfer transfer{stream.get(), static_cast<int64_t>(fs::file_size(file)), most, progress, nullptr};
  std::array<char, CURL_ERROR_SIZE> message{};
  const Handle handle = make_handle(url, transfer, message.data());
  const CURLcode code = curl_easy_perform(handle.get());
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (code == CURLE_RANGE_ERROR) return false;
  if (transfer.too_much)
    fail(ErrorKind::io, "[download] {} sends more than {} bytes: it is not what is wanted", url, most);
  if (transfer.unwritable || std::fflush(stream.get()) != 0) {
    fail(ErrorKind::io, "[download] {} cannot be written; is the disk full?", file);
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool beyond_end = code == CURLE_HTTP_RETURNED_ERROR && status == 416;  // nothing is left to send
  if (code != CURLE_OK && !beyond_end) {
    const std::string why = message[0] ? message.data() : curl_easy_strerror(code);
    fail(ErrorKind::io, "[download] {}: {}; {}", url, why, advice(code));
  }
  return true;
}

}  // namespace

void download(const std::string& url, const std::string& file, int64_t most, const DownloadProgress& progress) {
  if (attempt(url, file, most, progress)) return;
  std::error_code ignored;
  fs::remove(file, ignored);
  attempt(url, file, most, progress);
}

}  // namespace fqt::data
