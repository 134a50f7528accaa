#include "data/fetch/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "engine/check.h"

namespace fqt::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostEntries = 10000;

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

/// Where an entry goes: a path below the folder.
fs::path safe_path(archive_entry* entry, const std::string& source) {
  const char* given = archive_entry_pathname(entry);
  const std::string name = given ? given : "";
  const fs::path path(name);
  bool climbs = name.empty() || path.is_absolute() || name.find('\\') != name.npos;
  for (const fs::path& part : path) climbs |= part == "..";
  if (climbs) fail(ErrorKind::data, "[unpack] {}: the entry \"{}\" leads out of the folder", source, name);
  const auto type = archive_entry_filetype(entry);
  const bool plain = type == AE_IFREG || type == AE_IFDIR;
  if (!plain || archive_entry_hardlink(entry) || archive_entry_symlink(entry)) {
    fail(ErrorKind::data, "[unpack] {}: the entry \"{}\" is neither a file nor a folder", source, name);
  }
  return path;
}

}  // namespace

void unpack(const std::string& source, const std::string& folder, int64_t most, const std::function<void()>& progress) {
  const Archive reader(archive_read_new(), archive_read_free);
  if (!reader) fail(ErrorKind::io, "[unpack] libarchive does not start");
  const auto malformed = [&]() {
    const char* reason = archive_error_string(reader.get());
    fail(ErrorKind::data, "[unpack] {} cannot be unpacked: {}", source, reason ? reason : "it is malformed");
  };
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_filename(reader.get(), source.c_str(), 1 << 16) != ARCHIVE_OK) malformed();
  std::vector<char> block(size_t{1} << 16);
  int64_t total = 0, entries = 0;
  archive_entry* entry;
  int status;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    if (++entries > kMostEntries) fail(ErrorKind::data, "[unpack] {} holds more than {} files", source, kMostEntries);
    const fs::path to = folder / safe_path(entry, source);
    std::error_code error;
    if (archive_entry_filetype(entry) == AE_IFDIR) {
      fs::create_directories(to, error);
      continue;
    }
    fs::create_directories(to.parent_path(), error);
    std::ofstream stream(to, std::ios::binary);
    la_ssize_t count;
    while ((count = archive_read_data(reader.get(), block.data(), block.size())) > 0) {
      progress();
      total += count;
      if (total > most) fail(ErrorKind::data, "[unpack] {} holds more than {} bytes", source, most);
      stream.write(block.data(), count);
    }
    if (count < 0) malformed();
    if (!stream.flush()) fail(ErrorKind::io, "[unpack] {} cannot be written; is the disk full?", to.string());
  }
  if (status != ARCHIVE_EOF) malformed();
}

}  // namespace fqt::data
