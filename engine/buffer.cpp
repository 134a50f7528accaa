#include "engine/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "engine/check.h"
#include "engine/rehearsal.h"
#include "engine/sanitizer.h"

namespace fqt {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kSlack = 64;
constexpr int64_t kHugePage = 1 << 21;
/// A free block serves a request as long as it is at most so many times as large. More, and large requests find their
/// blocks taken by small ones; exact fits alone hold 10 to 30 % more memory in training and evaluation.
constexpr int64_t kLoosest = 2;

// Under the address sanitizer a reused block would hide use after free, and a rounded
// size an overrun.
constexpr bool kReuse = !kAddressSanitizer;

/// Sizes are rounded up to an eighth of their power of two, so that nearly equal requests share blocks.
int64_t size_class(int64_t wanted) {
  const int64_t step =
      std::max<int64_t>(kAlignment, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted))) / 8);
  return (wanted + step - 1) / step * step;
}

}  // namespace

class StorageBlocks {
 public:
  /// Storage as the system gave it.
  struct Block {
    std::byte* start = nullptr;
    int64_t size = 0;
    int64_t used = 0;  ///< the most it was asked for
  };

  /// `reserved`: address space that takes up memory where it is written to.
  explicit StorageBlocks(bool reserved) : reserved_(reserved), reuse_(reserved || kReuse) {}
  StorageBlocks(const StorageBlocks&) = delete;
  StorageBlocks& operator=(const StorageBlocks&) = delete;
  ~StorageBlocks() {
    for (const auto& [size, blocks] : free_)
      for (const Block& block : blocks) release(block);
  }

  Block take(int64_t bytes) {
    const int64_t wanted = bytes + kSlack;
    const int64_t size = reuse_ ? size_class(wanted) : (wanted + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard lock(mutex_);
    Block block{nullptr, size};
    auto found = free_.lower_bound(size);
    while (found != free_.end() && found->second.empty()) ++found;
    if (found != free_.end() && found->first <= kLoosest * size) {
      block = found->second.back();
      found->second.pop_back();
    } else {
      block.start = allocate(size);
    }
    used_ += std::max<int64_t>(bytes - block.used, 0);
    block.used = std::max(block.used, bytes);
    return block;
  }

  void give_back(const Block& block) {
    const std::lock_guard lock(mutex_);
    if (reuse_) return free_[block.size].push_back(block);
    used_ -= block.used;
    release(block);
  }

  int64_t used() {
    const std::lock_guard lock(mutex_);
    return used_;
  }

 private:
  /// Of address space, pages that small blocks would share are not worth a map of their own.
  bool mapped(int64_t size) const { return reserved_ && size >= 1 << 16; }

  std::byte* allocate(int64_t size) const {
    void* start = nullptr;
    if (mapped(size)) {
      start = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (start == MAP_FAILED) start = nullptr;
    } else {
      const bool huge = size >= 2 * kHugePage;
      const auto alignment = static_cast<size_t>(huge ? kHugePage : kAlignment);
      if (posix_memalign(&start, alignment, static_cast<size_t>(size)) != 0) start = nullptr;
      // Rows of a large matrix lie on pages of their own: with small ones each would miss the page table's cache.
      if (start && huge) madvise(start, static_cast<size_t>(size / kHugePage * kHugePage), MADV_HUGEPAGE);
    }
    if (!start) throw std::bad_alloc();
    return static_cast<std::byte*>(start);
  }

  void release(const Block& block) const {
    if (mapped(block.size))
      munmap(block.start, static_cast<size_t>(block.size));
    else
      std::free(block.start);
  }

  const bool reserved_, reuse_;
  std::mutex mutex_;
  std::map<int64_t, std::vector<Block>> free_;  ///< by size
  int64_t used_ = 0;
};

namespace {

/// Never destroyed: buffers of static lifetime may be returned after every other destructor has run.
StorageBlocks& real_blocks() {
  static StorageBlocks* blocks = new StorageBlocks(false);
  return *blocks;
}

thread_local std::shared_ptr<StorageBlocks> rehearsed;  ///< of this thread's rehearsal; null: there is none

}  // namespace

Rehearsal::Rehearsal() : outer_(std::exchange(rehearsed, std::make_shared<StorageBlocks>(true))) {}

Rehearsal::~Rehearsal() { rehearsed = std::move(outer_); }

bool Rehearsal::active() { return rehearsed != nullptr; }

std::shared_ptr<std::byte> allocate_storage(int64_t bytes) {
  if (bytes < 0) fail(ErrorKind::internal, "[allocate] {} bytes asked for", bytes);
  if (rehearsed) {
    const StorageBlocks::Block block = rehearsed->take(bytes);
    return {block.start, [block, blocks = rehearsed](std::byte*) { blocks->give_back(block); }};
  }
  const StorageBlocks::Block block = real_blocks().take(bytes);
  return {block.start, [block](std::byte*) { real_blocks().give_back(block); }};
}

int64_t storage_bytes() { return (rehearsed ? *rehearsed : real_blocks()).used(); }

}  // namespace fqt
