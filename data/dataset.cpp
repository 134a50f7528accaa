#include "data/dataset.h"

#include <filesystem>

#include "data/cifar.h"
#include "data/shapes.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

constexpr DataKind kKinds[] = {
    {"shapes", "ten kinds of drawn figures, 32x32 colour, endless", true, open_shapes, nullptr},
    {"cifar10", "CIFAR-10, binary version: a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin",
     false, open_cifar10, recognises_cifar10},
};

/// "name (description), name (description)" of the kinds that are built in, or of those that are not.
std::string list_kinds(bool built_in) {
  std::string list;
  for (const DataKind& kind : kKinds) {
    if (kind.built_in != built_in) continue;
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", kind.name, kind.description);
  }
  return list;
}

}  // namespace

std::span<const DataKind> data_kinds() { return kKinds; }

ImageData open_images(const std::string& name_or_path, uint64_t seed) {
  for (const DataKind& kind : kKinds) {
    if (kind.built_in && kind.name == name_or_path) return kind.open("", seed);
  }
  std::error_code error;
  const auto status = std::filesystem::status(name_or_path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    fail(ErrorKind::missing,
         "[data] \"{}\" is neither built-in data nor a path that exists. Built in: {}. By its path: {}", name_or_path,
         list_kinds(true), list_kinds(false));
  }
  if (!std::filesystem::exists(status)) {
    fail(ErrorKind::io, "[data] cannot look at \"{}\": {}", name_or_path, error.message());
  }
  for (const DataKind& kind : kKinds) {
    if (!kind.built_in && kind.recognises(name_or_path)) return kind.open(name_or_path, seed);
  }
  fail(ErrorKind::data, "[data] \"{}\" exists but is no data that fqt knows. Looked for: {}. Built in: {}",
       name_or_path, list_kinds(false), list_kinds(true));
}

}  // namespace fqt::data
