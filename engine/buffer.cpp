#include "engine/buffer.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "engine/check.h"

namespace fqt {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kSlack = 64;

// Under the address sanitizer (gcc's and clang's word for it) a reused block would hide use after free, and a rounded
// size an overrun.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FQT_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(FQT_SANITIZED)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

/// Sizes are rounded up to an eighth of their power of two, so that nearly equal requests share blocks.
int64_t size_class(int64_t bytes) {
  const int64_t wanted = bytes + kSlack;
  if (!kReuse) return (wanted + kAlignment - 1) / kAlignment * kAlignment;
  const int64_t step =
      std::max<int64_t>(kAlignment, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted))) / 8);
  return (wanted + step - 1) / step * step;
}

struct FreeBlocks {
  std::mutex mutex;
  std::map<int64_t, std::vector<std::byte*>> by_size;
};

/// Never destroyed: buffers of static lifetime may be returned after every other destructor has run.
FreeBlocks& free_blocks() {
  static FreeBlocks* blocks = new FreeBlocks;
  return *blocks;
}

void give_back(std::byte* block, int64_t size) {
  if (!kReuse) return std::free(block);
  FreeBlocks& blocks = free_blocks();
  const std::lock_guard lock(blocks.mutex);
  blocks.by_size[size].push_back(block);
}

}  // namespace

std::shared_ptr<std::byte> allocate_storage(int64_t bytes) {
  if (bytes < 0) fail(ErrorKind::internal, "[allocate] {} bytes asked for", bytes);
  const int64_t size = size_class(bytes);
  std::byte* block = nullptr;
  if (kReuse) {
    FreeBlocks& blocks = free_blocks();
    const std::lock_guard lock(blocks.mutex);
    auto found = blocks.by_size.find(size);
    if (found != blocks.by_size.end() && !found->second.empty()) {
      block = found->second.back();
      found->second.pop_back();
    }
  }
  if (!block) block = static_cast<std::byte*>(std::aligned_alloc(kAlignment, static_cast<size_t>(size)));
  if (!block) throw std::bad_alloc();
  return {block, [size](std::byte* p) { give_back(p, size); }};
}

}  // namespace fqt
