#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "data/dataset.h"
#include "data/text.h"

namespace fqt::data {

/// How data is opened; each kind of data reads what concerns it.
struct DataOptions {
  uint64_t seed = 1;           ///< built-in data: names what is drawn
  int64_t side = 0;            ///< images drawn or cut to a size: pixels a side; 0: the data's own
  bool coarse = false;         ///< CIFAR-100: the 20 coarse classes instead of the 100 fine ones
  std::string level = "auto";  ///< text: a token is a "word" or a "char"; "auto": as is the custom for the data
};

/// Data of either sort.
struct Data {
  std::variant<ImageData, TextData> content;

  /// Null where the data is of the other sort.
  const ImageData* images() const { return std::get_if<ImageData>(&content); }
  const TextData* text() const { return std::get_if<TextData>(&content); }
  /// "shapes", "cifar10", "ptb"
  std::string name() const;
};

/// A kind of data set: built in, or recognised from a path.
struct DataKind {
  std::string_view name;
  std::string_view description;
  bool built_in;
  /// For built-in data the path is empty.
  Data (*open)(const std::string& path, const DataOptions& options);
  /// Whether a folder or file at `path` looks like this kind (null for built-in data). The first row that does opens
  /// it.
  bool (*recognises)(const std::string& path);
};

std::span<const DataKind> data_kinds();

/// The kind of the data at a path, or null. Error(missing) where there is nothing, Error(io) where that cannot be told.
const DataKind* recognise(const std::string& path);

/// Opens built-in data by name, or a folder or file by path. Error(missing) where there is no such path (listing what
/// is built in), Error(data) where the content is malformed, naming the file, the record and what was expected.
Data open_data(const std::string& name_or_path, const DataOptions& options);

/// The same where only images will do: Error(usage) for text.
ImageData open_images(const std::string& name_or_path, const DataOptions& options);

}  // namespace fqt::data
