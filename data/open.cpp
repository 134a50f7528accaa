#include "data/open.h"

#include <filesystem>

#include "data/cifar.h"
#include "data/corpus.h"
#include "data/grammar.h"
#include "data/image_folder.h"
#include "data/shapes.h"
#include "engine/check.h"

namespace fqt::data {
namespace {

/// A row's opener for a kind whose own opener gives one sort of data.
template <auto open>
Data opened(const std::string& path, const DataOptions& options) {
  return {open(path, options)};
}

constexpr DataKind kKinds[] = {
    {"shapes", "ten kinds of drawn figures, 32x32 colour or any side, endless", true, opened<open_shapes>, nullptr},
    {"grammar", "sentences of a stochastic grammar of known entropy, 588 words, endless", true, opened<open_grammar>,
     nullptr},
    {"cifar10", "CIFAR-10, binary version: a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin",
     false, opened<open_cifar10>, recognises_cifar10},
    {"cifar100", "CIFAR-100, binary version: a folder with train.bin and test.bin", false, opened<open_cifar100>,
     recognises_cifar100},
    {"images", "pictures, PNG or JPEG: a folder with train/CLASS/* and val/CLASS/*", false, opened<open_image_folder>,
     recognises_image_folder},
    {"ptb", "Penn Treebank: a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt", false, opened<open_ptb>,
     recognises_ptb},
    {"wikitext",
     "WikiText-2 or -103: a folder with wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens (or .raw)", false,
     opened<open_wikitext>, recognises_wikitext},
    {"text", "plain text: a .txt file, or a folder of them (train.txt, valid.txt and test.txt, or any)", false,
     opened<open_plain_text>, recognises_plain_text},
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

/// "cifar10/train" is of "cifar10".
std::string before_slash(const std::string& name) { return name.substr(0, name.find('/')); }

}  // namespace

std::string Data::name() const {
  return before_slash(std::visit([](const auto& data) { return data.train->name(); }, content));
}

std::span<const DataKind> data_kinds() { return kKinds; }

const DataKind* recognise(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    fail(ErrorKind::missing,
         "[data] \"{}\" is neither built-in data nor a path that exists. Built in: {}. By its path: {}", path,
         list_kinds(true), list_kinds(false));
  }
  if (!std::filesystem::exists(status)) fail(ErrorKind::io, "[data] cannot look at \"{}\": {}", path, error.message());
  for (const DataKind& kind : kKinds) {
    if (!kind.built_in && kind.recognises(path)) return &kind;
  }
  return nullptr;
}

Data open_data(const std::string& name_or_path, const DataOptions& options) {
  for (const DataKind& kind : kKinds) {
    if (kind.built_in && kind.name == name_or_path) return kind.open("", options);
  }
  if (const DataKind* kind = recognise(name_or_path)) return kind->open(name_or_path, options);
  fail(ErrorKind::data, "[data] \"{}\" exists but is no data that fqt knows. Looked for: {}. Built in: {}",
       name_or_path, list_kinds(false), list_kinds(true));
}

ImageData open_images(const std::string& name_or_path, const DataOptions& options) {
  Data data = open_data(name_or_path, options);
  check(data.images(), "[data] \"{}\" is text ({}), but images are needed", name_or_path, data.name());
  return std::get<ImageData>(std::move(data.content));
}

}  // namespace fqt::data
