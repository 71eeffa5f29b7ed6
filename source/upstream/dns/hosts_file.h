// HostsFile: the names of /etc/hosts (hosts(5)). Owned by a resolver, on its thread. Looks at the file's time stamp at
// most once a second, when a name is asked for, and reads it again when that has changed: the file is small (up to
// kMaxSize is read) and local, and the one file that is read while serving.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/clock.h"
#include "source/net/address.h"

namespace weir::upstream::dns {

class HostsFile {
 public:
  static constexpr size_t kMaxSize = 1024 * 1024;
  // By lower-case name, in the order of the file.
  using Table = absl::flat_hash_map<std::string, std::vector<net::Address>>;

  // A file that is not there, or not readable, is an empty one. An empty path is none.
  explicit HostsFile(std::string path);

  // Lines that are not "address name..." are skipped; "#" begins a comment.
  static Table parse(std::string_view text);

  // In any case of letters, with or without a dot at the end. Null when it is not there; valid until the next call.
  const std::vector<net::Address>* find(std::string_view name, base::MonotonicTime now);

 private:
  void refresh(base::MonotonicTime now);

  std::string path_;
  Table table_;
  struct stat seen_ = {};
  base::MonotonicTime next_look_ = {};
};

}  // namespace weir::upstream::dns
