#include "data/stb.h"

#include <cstdlib>
#include <cstring>

namespace {

thread_local size_t allocation_limit = 0;

// Zeros: a scan may name tables that no segment has defined, and the decoder reads them all the same.
void* allocate(size_t bytes) { return bytes <= allocation_limit ? std::calloc(1, bytes) : nullptr; }
void* reallocate(void* old, size_t bytes) { return bytes <= allocation_limit ? std::realloc(old, bytes) : nullptr; }

/// stb_image copies no bytes to nowhere for an empty chunk, which the standard does not allow.
void* copy(void* to, const void* from, size_t bytes) { return bytes > 0 ? std::memcpy(to, from, bytes) : to; }

}  // namespace

#define memcpy copy
#define STBI_MALLOC(bytes) allocate(bytes)
#define STBI_REALLOC(old, bytes) reallocate(old, bytes)
#define STBI_FREE(old) std::free(old)
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_SIMD  // the same bits on every machine
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
// Their warnings are not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop
#undef memcpy

namespace fqt::data::stb {

bool read_size(std::span<const uint8_t> bytes, Size& size) {
  allocation_limit = size_t{1} << 20;
  int components;
  return stbi_info_from_memory(bytes.data(), static_cast<int>(bytes.size()), &size.width, &size.height, &components);
}

void Release::operator()(uint8_t* pixels) const { stbi_image_free(pixels); }

Pixels decode(std::span<const uint8_t> bytes, size_t limit, const char*& reason) {
  allocation_limit = limit;
  int width, height, components;
  Pixels pixels(stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &components, 3));
  reason = pixels ? nullptr : stbi_failure_reason();
  return pixels;
}

std::vector<uint8_t> encode_png(std::span<const uint8_t> pixels, Size size) {
  std::vector<uint8_t> png;
  const auto append = [](void* to, void* data, int count) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    static_cast<std::vector<uint8_t>*>(to)->insert(static_cast<std::vector<uint8_t>*>(to)->end(), bytes, bytes + count);
  };
  stbi_write_png_to_func(append, &png, size.width, size.height, 3, pixels.data(), 3 * size.width);
  return png;
}

}  // namespace fqt::data::stb
