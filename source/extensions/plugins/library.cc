#include "source/extensions/plugins/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::extensions::plugins {
namespace {

constexpr uint64_t kLargestFile = 256 << 20;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_NONE;
#endif

std::string machineName(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "x86 (32 bits)";
    case EM_ARM:
      return "arm (32 bits)";
    case EM_RISCV:
      return "riscv";
    default:
      return absl::StrCat("machine ", machine);
  }
}

template <typename T>
bool readAt(std::string_view bytes, uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

absl::Status checkSegments(std::string_view bytes, const Elf64_Ehdr& header) {
  bool dynamic = false;
  for (uint16_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (header.e_phentsize != sizeof(segment) || !readAt(bytes, header.e_phoff + i * sizeof(segment), segment) ||
        segment.p_offset > bytes.size() || segment.p_filesz > bytes.size() - segment.p_offset) {
      return absl::InvalidArgumentError("is a shared object that was cut off");
    }
    dynamic = dynamic || segment.p_type == PT_DYNAMIC;
  }
  if (!dynamic) return absl::InvalidArgumentError("is no shared object: it has no dynamic section");
  return absl::OkStatus();
}

absl::Status errorOf(const std::string& path, int error) {
  return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<FileState> fileState(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errorOf(path, errno);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": is no file"));
  return FileState{info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size),
                   info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
}

absl::StatusOr<std::string> readFile(const std::string& path) {
  const auto state = fileState(path);
  if (!state.ok()) return state.status();
  if (state->size > kLargestFile) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": is larger than 256 MiB, which is the limit"));
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(state->size, '\0');
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  return bytes;
}

absl::Status checkSharedObject(std::string_view bytes) {
  Elf64_Ehdr header;
  if (!readAt(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return absl::InvalidArgumentError("is no shared object; build it with `g++ -shared -fPIC`");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return absl::InvalidArgumentError(absl::StrCat("is for another processor: ", machineName(header.e_machine),
                                                   "; this weir needs ", machineName(kMachine)));
  }
  if (header.e_type != ET_DYN) {
    return absl::InvalidArgumentError("is no shared object, but an object or an executable; link it with -shared");
  }
  return checkSegments(bytes, header);
}

absl::StatusOr<std::unique_ptr<Library>> Library::load(const std::string& path, std::string_view bytes) {
  if (absl::Status status = checkSharedObject(bytes); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " ", status.message()));
  }
  const int descriptor = ::memfd_create("weir-plugin", MFD_CLOEXEC);
  if (descriptor < 0) return absl::UnavailableError(absl::StrCat(path, ": memfd_create: ", std::strerror(errno)));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t written = ::write(descriptor, bytes.data() + at, bytes.size() - at);
    if (written <= 0) {
      const int error = errno;
      ::close(descriptor);
      return absl::UnavailableError(absl::StrCat(path, ": copying it: ", std::strerror(error)));
    }
    at += static_cast<size_t>(written);
  }
  const std::string name = absl::StrCat("/proc/self/fd/", descriptor);
  void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::string why = ::dlerror();
    if (why.starts_with(name)) why.erase(0, why.find_first_not_of(": ", name.size()));
    ::close(descriptor);
    return absl::InvalidArgumentError(absl::StrCat(path, " cannot be loaded: ", why));
  }
  return std::unique_ptr<Library>(new Library(handle, descriptor));
}

Library::~Library() {
  ::dlclose(handle_);
  ::close(descriptor_);
}

void* Library::symbol(const char* name) const { return ::dlsym(handle_, name); }

}  // namespace weir::extensions::plugins
