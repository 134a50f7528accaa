#include "trainer/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "engine/check.h"
#include "trainer/files.h"

namespace fqt::trainer {
namespace {

static_assert(std::endian::native == std::endian::little, "the dtypes read and written are little-endian");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kNpyMaxRank = 64;  ///< NumPy's own
constexpr size_t kNpyMaxHeader = 1 << 16;
constexpr size_t kAlignment = 64;

/// What the header says.
struct Header {
  std::string dtype;
  bool fortran_order = false;
  Shape shape;
};

/// A file whose header fits the bytes behind it.
struct Array {
  std::string path;
  Header header;
  std::string bytes;
  size_t begin = 0;  ///< of the values, in `bytes`
  int64_t count = 0;
};

template <typename... Args>
void require(bool condition, const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(ErrorKind::data, "[npy] {}: {}", path, fmt::format(format, std::forward<Args>(args)...));
}

/// What a file says, fit for a message.
std::string shown(std::string_view text) {
  std::string printable(text.substr(0, 24));
  for (char& c : printable)
    if (c < ' ' || c > '~') c = '?';
  return printable + (text.size() > printable.size() ? "..." : "");
}

/// Reads the header's dictionary: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".
class HeaderParser {
 public:
  HeaderParser(const std::string& path, std::string_view text) : path_(path), rest_(text) {}

  Header parse() {
    std::optional<std::string> dtype;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
    expect('{');
    while (!take('}')) {
      const std::string key = text();
      expect(':');
      if (key == "descr" && !dtype)
        dtype = dtype_text();
      else if (key == "fortran_order" && !fortran_order)
        fortran_order = truth();
      else if (key == "shape" && !shape)
        shape = extents();
      else
        damaged(fmt::format("key '{}' is unknown or there twice", shown(key)));
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) damaged("something follows its dictionary");
    if (!dtype || !fortran_order || !shape) damaged("it does not give descr, fortran_order and shape");
    return {*dtype, *fortran_order, *shape};
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    fail(ErrorKind::data, "[npy] {}: in the header, {}; the file is damaged, save it again with numpy.save", path_,
         what);
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) damaged(fmt::format("a '{}' is missing", c));
  }

  std::string text() {
    skip_space();
    if (!rest_.starts_with('\'') && !rest_.starts_with('"')) damaged("a quoted text is missing");
    const size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) damaged("a quote is not closed");
    const std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string dtype_text() {
    skip_space();
    if (rest_.starts_with('['))
      fail(ErrorKind::data, "[npy] {}: it holds records of several fields; save one field of numbers", path_);
    return text();
  }

  bool truth() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    damaged("fortran_order is neither True nor False");
  }

  /// "(2, 3)", "(2,)" or "()".
  Shape extents() {
    Shape shape;
    expect('(');
    while (!take(')')) {
      skip_space();
      int64_t extent = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc() || extent < 0) damaged("the shape holds something other than whole numbers");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      shape.push_back(extent);
      if (shape.size() > kNpyMaxRank) damaged(fmt::format("the shape has more than {} axes", kNpyMaxRank));
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  const std::string& path_;
  std::string_view rest_;
};

/// Elements of a shape, or none where even those of its axes other than 0 overflow.
std::optional<int64_t> count_elements(const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent == 0)
      empty = true;
    else if (__builtin_mul_overflow(count, extent, &count))
      return std::nullopt;
  }
  return empty ? 0 : count;
}

/// Where the header's text begins, and its length.
std::pair<size_t, size_t> header_place(const std::string& path, const std::string& bytes) {
  require(!bytes.starts_with("PK"), path, "this is a zip file, an .npz perhaps; save its arrays one by one as .npy");
  require(bytes.starts_with(kMagic), path, "this is not a .npy file; write one with numpy.save");
  const size_t place = kMagic.size() + 2;
  require(bytes.size() >= place, path, "the file ends within its header; it is damaged, copy or save it again");
  const int major = static_cast<uint8_t>(bytes[kMagic.size()]), minor = static_cast<uint8_t>(bytes[kMagic.size() + 1]);
  require(major >= 1 && major <= 3 && minor == 0, path,
          "format version {}.{} is not known; save it with a NumPy that writes 1.0, 2.0 or 3.0", major, minor);
  const size_t width = major == 1 ? 2 : 4;
  uint32_t length = 0;
  if (bytes.size() >= place + width) std::memcpy(&length, bytes.data() + place, width);
  require(bytes.size() >= place + width && bytes.size() - place - width >= length, path,
          "the file ends within its header; it is damaged, copy or save it again");
  require(length <= kNpyMaxHeader, path, "its header has {} bytes, more than {}; the file is damaged, save it again",
          length, kNpyMaxHeader);
  return {place + width, length};
}

/// `expected` is for messages, `best` the first of it.
Array read_array(const std::string& path, std::string_view expected, std::string_view best, const auto& size_of) {
  Array array{path, {}, read_text_file(path)};
  const auto [place, length] = header_place(path, array.bytes);
  array.header = HeaderParser(path, std::string_view(array.bytes).substr(place, length)).parse();
  array.begin = place + length;
  const Header& header = array.header;
  const std::string dtype = shown(header.dtype);
  require(!dtype.starts_with('>'), path, "it is big-endian ('{}'), expected {}; convert it with x.astype('{}')", dtype,
          expected, best);
  require(dtype.find('O') == std::string::npos, path,
          "it holds Python objects ('{}'), which are not read, expected {}; save numbers", dtype, expected);
  const int64_t size = size_of(header.dtype);
  require(size > 0, path, "its dtype is '{}', expected {}; convert it with x.astype('{}')", dtype, expected, best);
  const std::optional<int64_t> count = count_elements(header.shape);
  const uint64_t available = array.bytes.size() - array.begin;
  int64_t bytes = 0;
  require(count && !__builtin_mul_overflow(*count, size, &bytes), path,
          "shape {} has more elements than any file; the file is damaged, save it again", to_string(header.shape));
  require(static_cast<uint64_t>(bytes) == available, path,
          "shape {} of '{}' takes {} bytes, but {} follow the header; the file is damaged, copy or save it again",
          to_string(header.shape), dtype, bytes, available);
  array.count = *count;
  return array;
}

template <typename T>
T element(const Array& array, int64_t place) {
  T value;
  std::memcpy(&value, array.bytes.data() + array.begin + static_cast<size_t>(place) * sizeof(T), sizeof(T));
  return value;
}

/// Calls visit(element index in C order, its place in the file).
template <typename Visit>
void for_each_place(const Array& array, const Visit& visit) {
  const Shape& shape = array.header.shape;
  if (!array.header.fortran_order) {
    for (int64_t i = 0; i < array.count; ++i) visit(i, i);
    return;
  }
  std::vector<int64_t> index(shape.size()), strides(shape.size());
  int64_t stride = 1, place = 0;
  for (size_t axis = 0; axis < shape.size(); stride *= shape[axis++]) strides[axis] = stride;
  for (int64_t i = 0; i < array.count; ++i) {
    visit(i, place);
    for (size_t axis = shape.size(); axis-- > 0;) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

float narrow(const Array& array, int64_t place, int64_t i) {
  const double wide = element<double>(array, place);
  const float value = static_cast<float>(wide);
  require(!std::isinf(value) || std::isinf(wide), array.path,
          "element {} of the flattened array is {}, beyond float32; scale the values down", i, wide);
  return value;
}

template <typename T>
constexpr std::string_view kDtype = "";
template <>
constexpr std::string_view kDtype<float> = "<f4";
template <>
constexpr std::string_view kDtype<int8_t> = "|i1";
template <>
constexpr std::string_view kDtype<int16_t> = "<i2";
template <>
constexpr std::string_view kDtype<int32_t> = "<i4";
template <>
constexpr std::string_view kDtype<uint16_t> = "<u2";

/// "(2, 3)", "(2,)", "()"
std::string python_tuple(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace

Tensor read_npy(const std::string& path) {
  const Array array = read_array(path, "'<f4' or '<f8'", "<f4", [](std::string_view dtype) {
    return dtype == "<f4" ? 4 : dtype == "<f8" ? 8 : 0;
  });
  Tensor tensor(array.header.shape);
  if (array.header.dtype == "<f8")
    for_each_place(array, [&](int64_t i, int64_t place) { tensor.data()[i] = narrow(array, place, i); });
  else
    for_each_place(array, [&](int64_t i, int64_t place) { tensor.data()[i] = element<float>(array, place); });
  return tensor;
}

std::vector<uint16_t> read_npy_words(const std::string& path) {
  const Array array = read_array(path, "'<u2'", "<u2", [](std::string_view dtype) { return dtype == "<u2" ? 2 : 0; });
  std::vector<uint16_t> words(static_cast<size_t>(array.count));
  for_each_place(array,
                 [&](int64_t i, int64_t place) { words[static_cast<size_t>(i)] = element<uint16_t>(array, place); });
  return words;
}

template <typename T>
void write_npy(const std::string& path, const Shape& shape, std::span<const T> values) {
  check(static_cast<int64_t>(values.size()) == element_count(shape), "[npy] {} values do not fill shape {}",
        values.size(), to_string(shape));
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", kDtype<T>, python_tuple(shape));
  // numpy.save leaves room for a first axis that grows to 21 digits.
  if (!shape.empty()) header.append(21 - std::to_string(shape.front()).size(), ' ');
  const size_t before = kMagic.size() + 4;
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  const uint16_t length = static_cast<uint16_t>(header.size());
  std::string start(kMagic);
  start += std::string("\x01\x00", 2);
  start.append(reinterpret_cast<const char*>(&length), sizeof length);
  start += header;
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span(start)), std::as_bytes(values)};
  write_file(path, parts);
}

template void write_npy(const std::string&, const Shape&, std::span<const float>);
template void write_npy(const std::string&, const Shape&, std::span<const int8_t>);
template void write_npy(const std::string&, const Shape&, std::span<const int16_t>);
template void write_npy(const std::string&, const Shape&, std::span<const int32_t>);
template void write_npy(const std::string&, const Shape&, std::span<const uint16_t>);

}  // namespace fqt::trainer
