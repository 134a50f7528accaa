#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace fqt {

/// Uninitialised memory, aligned to 64 bytes, with at least 64 readable bytes behind its end, so that a vector load or
/// a group of codes may run past the last element. Freed blocks are kept and handed out again, for requests
/// of at least half their size: a training step asks for the same sizes over and over, and fresh pages from the system
/// would cost more than the arithmetic on them.
std::shared_ptr<std::byte> allocate_storage(int64_t bytes);

/// Bytes of memory that buffers have taken up so far, at the largest that each block was asked for: what they may have
/// touched. In a rehearsal (engine/rehearsal.h) those of its buffers alone.
int64_t storage_bytes();

/// A shared, typed view of storage. Copies share the elements.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size) : storage_(allocate_storage(size * static_cast<int64_t>(sizeof(T)))), size_(size) {}

  T* data() { return reinterpret_cast<T*>(storage_.get()); }
  const T* data() const { return reinterpret_cast<const T*>(storage_.get()); }
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<T> span() { return {data(), static_cast<size_t>(size_)}; }
  std::span<const T> span() const { return {data(), static_cast<size_t>(size_)}; }
  /// True where no other buffer shares the elements.
  bool unique() const { return storage_.use_count() == 1; }

 private:
  std::shared_ptr<std::byte> storage_;
  int64_t size_ = 0;
};

}  // namespace fqt
