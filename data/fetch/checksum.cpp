#include "data/fetch/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "engine/check.h"

namespace fqt::data {

std::string file_checksum(const std::string& file, const std::string& algorithm) {
  const EVP_MD* digest = algorithm == "md5" ? EVP_md5() : algorithm == "sha256" ? EVP_sha256() : nullptr;
  check(digest, "[checksum] there is no \"{}\"; there are md5, sha256", algorithm);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto expect = [&](bool done) {
    if (!done) fail(ErrorKind::io, "[checksum] OpenSSL does not compute {} here", algorithm);
  };
  expect(context && EVP_DigestInit_ex(context.get(), digest, nullptr));
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> block(size_t{1} << 16);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())), stream.gcount() > 0)
    expect(EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(stream.gcount())));
  if (!stream.eof()) fail(ErrorKind::io, "[checksum] {} cannot be read", file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int count = 0;
  expect(EVP_DigestFinal_ex(context.get(), bytes.data(), &count));
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace fqt::data
