#include "data/encode.h"
#include "memory_file.h"

using namespace fqt;
using namespace fqt::data;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  for (const Encoder encode : {encode_words, encode_characters}) {
    test::expect_data_errors([&] {
      Vocabulary vocabulary;
      const EncodedText encoded = encode(text, "fuzz", vocabulary);
      for (const int32_t token : encoded.tokens)
        if (vocabulary.word(token).empty()) std::abort();
    });
  }
  return 0;
}
