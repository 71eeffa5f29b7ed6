// KernelPipe: bytes that were received and never leave the kernel: splice(2) moves them from one socket into the pipe
// and from there to another without a copy. The Slices over a Block that has a pipe say which of its bytes they are;
// they can be moved between buffers and cut like any others, and are read into memory where somebody looks at them.
// Made and kept by the BlockPool; one worker.
//
// A pipe gives its bytes out in order. So whoever takes some says from which place, and what lies before it, which was
// dropped from its buffer, is thrown away first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir::buffer {

class KernelPipe {
 public:
  // What the kernel is asked to let a pipe hold; where it refuses, it is less.
  static constexpr size_t kBytes = 1024 * 1024;

  // Null when there are no descriptors.
  static std::unique_ptr<KernelPipe> open();
  ~KernelPipe();
  KernelPipe(const KernelPipe&) = delete;
  KernelPipe& operator=(const KernelPipe&) = delete;

  // From and to the descriptor of a socket; as splice(2), with errno. Nothing waits.
  ssize_t fill(int from, size_t most);
  ssize_t drain(uint32_t place, int to, size_t most);
  // Into memory: all of `size`, which must be in the pipe.
  void read(uint32_t place, char* into, size_t size);
  // Bytes that were taken out or thrown away since the last restart().
  uint32_t taken() const { return taken_; }
  // It is empty, and places count from 0 again.
  void restart() { taken_ = 0; }

 private:
  KernelPipe(int in, int out) : in_(in), out_(out) {}
  void skipTo(uint32_t place);

  int in_;
  int out_;
  uint32_t taken_ = 0;
};

}  // namespace weir::buffer
