#include "source/upstream/dns/hosts_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace weir::upstream::dns {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(1);

std::string lowerCase(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view nextWord(std::string_view& line) {
  const size_t start = line.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

bool unchanged(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

std::string readFile(const std::string& path) {
  std::string out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  out.resize(HostsFile::kMaxSize);
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t n = ::read(fd, out.data() + filled, out.size() - filled);
    if (n <= 0) break;
    filled += static_cast<size_t>(n);
  }
  ::close(fd);
  out.resize(filled);
  return out;
}

}  // namespace

HostsFile::HostsFile(std::string path) : path_(std::move(path)) {}

HostsFile::Table HostsFile::parse(std::string_view text) {
  Table table;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = line.substr(0, line.find('#'));
    const std::string_view ip = nextWord(line);
    if (ip.empty()) continue;
    const absl::StatusOr<net::Address> address = net::Address::parseIp(ip, 0);
    if (!address.ok()) continue;
    for (std::string_view name = nextWord(line); !name.empty(); name = nextWord(line)) {
      std::vector<net::Address>& known = table[lowerCase(name)];
      if (std::find(known.begin(), known.end(), *address) == known.end()) known.push_back(*address);
    }
  }
  return table;
}

void HostsFile::refresh(base::MonotonicTime now) {
  if (path_.empty() || now < next_look_) return;
  next_look_ = now + kLookEvery;
  struct stat found = {};
  if (::stat(path_.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) found = {};
  if (unchanged(found, seen_)) return;
  seen_ = found;
  table_ = found.st_size == 0 ? Table() : parse(readFile(path_));
}

const std::vector<net::Address>* HostsFile::find(std::string_view name, base::MonotonicTime now) {
  refresh(now);
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  const auto entry = table_.find(lowerCase(name));
  return entry == table_.end() ? nullptr : &entry->second;
}

}  // namespace weir::upstream::dns
