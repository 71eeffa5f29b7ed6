#include "source/buffer/kernel_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "source/base/check.h"

namespace weir::buffer {

std::unique_ptr<KernelPipe> KernelPipe::open() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  // A user may be out of pages for pipes; the usual 64 KiB do as well.
  [[maybe_unused]] const int size = ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kBytes));
  return std::unique_ptr<KernelPipe>(new KernelPipe(ends[1], ends[0]));
}

KernelPipe::~KernelPipe() {
  ::close(in_);
  ::close(out_);
}

ssize_t KernelPipe::fill(int from, size_t most) {
  return ::splice(from, nullptr, in_, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

ssize_t KernelPipe::drain(uint32_t place, int to, size_t most) {
  skipTo(place);
  const ssize_t moved = ::splice(out_, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (moved > 0) taken_ += static_cast<uint32_t>(moved);
  return moved;
}

void KernelPipe::read(uint32_t place, char* into, size_t size) {
  skipTo(place);
  while (size > 0) {
    const ssize_t got = ::read(out_, into, size);
    CHECK(got > 0, "a pipe gives what was put into it");
    taken_ += static_cast<uint32_t>(got);
    into += got;
    size -= static_cast<size_t>(got);
  }
}

void KernelPipe::skipTo(uint32_t place) {
  CHECK(place >= taken_, "the bytes of a pipe are taken in their order");
  std::array<char, 4096> dropped;
  while (taken_ < place) {
    const ssize_t got = ::read(out_, dropped.data(), std::min<size_t>(dropped.size(), place - taken_));
    CHECK(got > 0, "a pipe gives what was put into it");
    taken_ += static_cast<uint32_t>(got);
  }
}

}  // namespace weir::buffer
