#include "trainer/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/check.h"
#include "trainer/files.h"

namespace fqt::trainer {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

using Json = nlohmann::ordered_json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 16 << 20;
constexpr uint64_t kMaxRank = 16;

/// A tensor as the header describes it; begin and end count bytes behind the header.
struct Entry {
  std::string name;
  Shape shape;
  bool whole = false;  ///< of dtype I64, not F32
  uint64_t begin = 0, end = 0;
};

/// Raises every error of one file with its path before it.
struct Reader {
  const std::string& path;

  template <typename... Args>
  void require(bool condition, fmt::format_string<Args...> format, Args&&... args) const {
    if (!condition)
      fail(ErrorKind::data, "[safetensors] {}: {}; the file is damaged or was written by something else", path,
           fmt::format(format, std::forward<Args>(args)...));
  }

  Json parse(std::string_view header) const {
    require(header.starts_with('{'), "the header does not begin with '{{'");
    require(header.find('\0') == header.npos, "the header holds a zero byte");  // where the parser would stop
    std::vector<std::set<std::string>> keys;
    std::string twice;
    const auto on_event = [&](int, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
      if (event == Json::parse_event_t::object_end) keys.pop_back();
      if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
        twice = parsed.get<std::string>();
      return true;
    };
    const Json json = Json::parse(header, on_event, false);
    require(json.is_object(), "the header is not JSON");
    require(twice.empty(), "the header holds '{}' twice", twice);
    return json;
  }

  std::map<std::string, std::string> metadata(const Json& json) const {
    std::map<std::string, std::string> texts;
    require(json.is_object(), "__metadata__ is not an object of texts");
    for (const auto& [key, value] : json.items()) {
      require(value.is_string(), "__metadata__ is not an object of texts");
      texts[key] = value.get<std::string>();
    }
    return texts;
  }

  /// Element `index` of the list json[key].
  uint64_t whole_number(const Json& json, const std::string& name, const char* key, size_t index) const {
    const Json& value = json[key][index];
    require(value.is_number_unsigned(), "tensor '{}': {} holds something other than whole numbers", name, key);
    return value.get<uint64_t>();
  }

  Entry entry(const std::string& name, const Json& json, uint64_t available) const {
    require(json.is_object() && json.contains("dtype") && json.contains("shape") && json.contains("data_offsets"),
            "tensor '{}' does not have dtype, shape and data_offsets", name);
    const bool whole = json["dtype"] == "I64";
    require(whole || json["dtype"] == "F32", "tensor '{}' has dtype {}, expected \"F32\"", name, json["dtype"].dump());
    const uint64_t size = whole ? sizeof(int64_t) : sizeof(float);
    require(json["shape"].is_array() && json["shape"].size() <= kMaxRank,
            "tensor '{}': shape is not a list of up to {}", name, kMaxRank);
    require(json["data_offsets"].is_array() && json["data_offsets"].size() == 2,
            "tensor '{}': data_offsets is not a list of two", name);
    Entry entry{
        name, {}, whole, whole_number(json, name, "data_offsets", 0), whole_number(json, name, "data_offsets", 1)};
    require(entry.begin <= entry.end && entry.end <= available,
            "tensor '{}' has bytes {} to {}, but {} bytes follow the header", name, entry.begin, entry.end, available);
    // The count is held below what the file could hold, so that the product does not overflow.
    const uint64_t most = available / size;
    uint64_t count = 1;
    for (size_t axis = 0; axis < json["shape"].size(); ++axis) {
      const uint64_t extent = whole_number(json, name, "shape", axis);
      require(extent <= most && (extent == 0 || count <= most / extent),
              "tensor '{}' has more values than the file holds", name);
      count *= extent;
      entry.shape.push_back(static_cast<int64_t>(extent));
    }
    require(count * size == entry.end - entry.begin, "tensor '{}' of shape {} has {} bytes, expected {}", name,
            to_string(entry.shape), entry.end - entry.begin, count * size);
    return entry;
  }
};

std::vector<Entry> in_file_order(const Reader& reader, std::vector<Entry> entries, uint64_t available) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t position = 0;
  for (const Entry& entry : entries) {
    reader.require(entry.begin == position, "tensor '{}' begins at byte {}, expected {}", entry.name, entry.begin,
                   position);
    position = entry.end;
  }
  reader.require(position == available, "the tensors end at byte {}, but {} bytes follow the header", position,
                 available);
  return entries;
}

}  // namespace

void write_safetensors(const std::string& path, const TensorFile& file) {
  Json json = Json::object();
  if (!file.metadata.empty()) json["__metadata__"] = file.metadata;
  uint64_t position = 0;
  for (const NamedTensor& named : file.tensors) {
    const uint64_t end = position + sizeof(float) * static_cast<uint64_t>(named.tensor.size());
    json[named.name] = {{"dtype", "F32"}, {"shape", named.tensor.shape()}, {"data_offsets", {position, end}}};
    position = end;
  }
  std::string header = json.dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that values are aligned where the file is mapped
  const uint64_t length = header.size();
  std::vector<std::span<const std::byte>> parts{std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(header))};
  for (const NamedTensor& named : file.tensors) parts.push_back(std::as_bytes(named.tensor.values()));
  write_file(path, parts);
}

TensorFile read_safetensors(const std::string& path) {
  const std::string bytes = read_text_file(path);
  const Reader reader{path};
  reader.require(bytes.size() >= kLengthBytes, "it has {} bytes, fewer than a header", bytes.size());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const uint64_t behind = bytes.size() - kLengthBytes;
  reader.require(length <= behind, "its header has {} bytes, but {} follow", length, behind);
  reader.require(length <= kMaxHeader, "its header has {} bytes, more than {}", length, kMaxHeader);
  const Json json = reader.parse(std::string_view(bytes).substr(kLengthBytes, length));

  TensorFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__")
      file.metadata = reader.metadata(value);
    else
      entries.push_back(reader.entry(name, value, behind - length));
  }
  for (const Entry& entry : in_file_order(reader, std::move(entries), behind - length)) {
    if (entry.whole) {
      file.whole_numbers.push_back(entry.name);
      continue;
    }
    Tensor tensor(entry.shape);
    std::memcpy(tensor.data(), bytes.data() + kLengthBytes + length + entry.begin, entry.end - entry.begin);
    file.tensors.push_back({entry.name, std::move(tensor)});
  }
  return file;
}

}  // namespace fqt::trainer
