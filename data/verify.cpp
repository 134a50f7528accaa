#include "data/verify.h"

#include <algorithm>

#include "engine/hash.h"

namespace fqt::data {
namespace {

using PartProgress = std::function<void(const std::string& part, int64_t done, int64_t total)>;

SplitReport verify_images(const ImageDataset& set, const PartProgress& progress) {
  SplitReport report{set.name(), set.size(), set.classes(), 0};
  std::vector<uint8_t> pixels(static_cast<size_t>(set.height() * set.width() * set.channels()));
  for (int64_t index = 0; index < set.size(); ++index) {
    const int32_t label = set.read(index, pixels);
    report.hash = hash_bytes(std::as_bytes(std::span(pixels)), report.hash + static_cast<uint64_t>(label));
    progress(report.name, index + 1, report.items);
  }
  return report;
}

SplitReport verify_text(const TokenStream& stream, const Vocabulary& vocabulary, const PartProgress& progress) {
  constexpr int64_t kPiece = 1 << 16;
  SplitReport report{stream.name(), stream.size(), vocabulary.size(), 0};
  for (int64_t begin = 0; begin < stream.size(); begin += kPiece) {
    std::vector<int32_t> tokens(static_cast<size_t>(std::min(kPiece, stream.size() - begin)));
    stream.read(begin, tokens);
    report.hash = hash_bytes(std::as_bytes(std::span(tokens)), report.hash);
    progress(report.name, begin + static_cast<int64_t>(tokens.size()), report.items);
  }
  return report;
}

}  // namespace

std::vector<SplitReport> verify(const Data& data, const PartProgress& progress) {
  if (const ImageData* images = data.images()) {
    return {verify_images(*images->train, progress), verify_images(*images->test, progress)};
  }
  const TextData& text = *data.text();
  return {verify_text(*text.train, text.vocabulary, progress), verify_text(*text.valid, text.vocabulary, progress),
          verify_text(*text.test, text.vocabulary, progress)};
}

}  // namespace fqt::data
