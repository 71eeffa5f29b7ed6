// message:  header(12) question* record*          question:  name type(2) class(2)
// header:   id(2) flags(2) qdcount(2) ancount(2) nscount(2) arcount(2)
// record:   name type(2) class(2) ttl(4) rdlength(2) rdata
// name:     (length(1) byte[length])* (0 | 11pppppp pppppppp)     length below 64; p: where the name goes on, before
// here rdata:    A: byte[4]   AAAA: byte[16]   CNAME: name   SRV: priority(2) weight(2) port(2) name
#include "source/upstream/dns/answer.h"

#include <netinet/in.h>
#include <string.h>

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"

namespace weir::upstream::dns {
namespace {

constexpr size_t kMaxName = 255;
constexpr uint16_t kInternet = 1;

struct Record {
  std::string owner;
  uint16_t type;
  absl::Duration ttl;
  size_t data;  // where it begins
  size_t length;
};

// Reads on from `at`; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(std::string_view message, size_t at = 0) : message_(message), at_(at) {}

  bool failed() const { return failed_; }
  size_t at() const { return at_; }
  void skip(size_t n) {
    if (failed_ || n > message_.size() - at_) {
      failed_ = true;
      return;
    }
    at_ += n;
  }
  uint32_t number(int bytes) {
    const size_t start = at_;
    skip(static_cast<size_t>(bytes));
    uint32_t value = 0;
    for (int i = 0; i < bytes && !failed_; ++i) value = value << 8 | static_cast<uint8_t>(message_[start + i]);
    return value;
  }
  // In lower case, labels with dots between them, without one at the end.
  std::string name();

 private:
  std::string_view message_;
  size_t at_;
  bool failed_ = false;
};

std::string Reader::name() {
  std::string out;
  size_t at = at_;
  size_t lowest = at_;  // a pointer leads before all that was read: it cannot lead in a circle
  bool jumped = false;
  while (!failed_) {
    if (at >= message_.size()) break;
    const auto length = static_cast<uint8_t>(message_[at]);
    if (length >= 0xc0) {
      if (at + 1 >= message_.size()) break;
      const size_t target = static_cast<size_t>(length & 0x3f) << 8 | static_cast<uint8_t>(message_[at + 1]);
      if (!jumped) at_ = at + 2;
      jumped = true;
      if (target >= lowest) break;
      at = lowest = target;
      continue;
    }
    if (length == 0) {
      if (!jumped) at_ = at + 1;
      return out;
    }
    if (length >= 64 || length > message_.size() - at - 1 || out.size() + length + 1 > kMaxName) break;
    if (!out.empty()) out += '.';
    for (const char c : message_.substr(at + 1, length)) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    at += length + 1;
  }
  failed_ = true;
  return {};
}

absl::Status malformed(const char* what) { return absl::InvalidArgumentError(what); }

// Where the aliases lead from a name, and the least time to live on the way.
struct Destination {
  std::string name;
  absl::Duration ttl;
};

std::optional<Destination> follow(std::string name, std::string_view message, const std::vector<Record>& records) {
  absl::flat_hash_map<std::string, Destination> aliases;
  for (const Record& record : records) {
    if (record.type != static_cast<uint16_t>(RecordType::kCname)) continue;
    aliases.try_emplace(record.owner, Destination{Reader(message, record.data).name(), record.ttl});
  }
  Destination out = {std::move(name), absl::InfiniteDuration()};
  for (size_t steps = 0; steps <= aliases.size(); ++steps) {
    const auto next = aliases.find(out.name);
    if (next == aliases.end()) return out;
    out = {next->second.name, std::min(out.ttl, next->second.ttl)};
  }
  return std::nullopt;
}

bool addRecord(std::string_view message, const Record& record, absl::Duration ttl, Answer& out) {
  Reader reader(message, record.data);
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::kA: {
      if (record.length != 4) return false;
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      memcpy(&address.sin_addr, message.data() + record.data, 4);
      out.addresses.push_back(
          {net::Address::fromSockaddr(reinterpret_cast<sockaddr*>(&address), sizeof(address)), ttl});
      return true;
    }
    case RecordType::kAaaa: {
      if (record.length != 16) return false;
      sockaddr_in6 address = {};
      address.sin6_family = AF_INET6;
      memcpy(&address.sin6_addr, message.data() + record.data, 16);
      out.addresses.push_back(
          {net::Address::fromSockaddr(reinterpret_cast<sockaddr*>(&address), sizeof(address)), ttl});
      return true;
    }
    case RecordType::kSrv: {
      const auto priority = static_cast<uint16_t>(reader.number(2));
      const auto weight = static_cast<uint16_t>(reader.number(2));
      const auto port = static_cast<uint16_t>(reader.number(2));
      std::string target = reader.name();
      if (reader.failed() || reader.at() != record.data + record.length) return false;
      // "." says that there is no such service (RFC 2782).
      if (!target.empty()) out.services.push_back({std::move(target), port, priority, weight, ttl});
      return true;
    }
    case RecordType::kCname:
      return true;
  }
  return true;
}

absl::StatusOr<std::vector<Record>> readRecords(Reader& reader, std::string_view message, uint32_t count) {
  std::vector<Record> out;
  for (uint32_t i = 0; i < count; ++i) {
    Record record;
    record.owner = reader.name();
    record.type = static_cast<uint16_t>(reader.number(2));
    const uint32_t record_class = reader.number(2);
    const uint32_t ttl = reader.number(4);
    // RFC 2181, section 8: with the highest bit set it counts as zero.
    record.ttl = absl::Seconds(ttl > INT32_MAX ? 0 : ttl);
    record.length = reader.number(2);
    record.data = reader.at();
    reader.skip(record.length);
    if (reader.failed()) return malformed("a record goes beyond the message");
    if (record_class != kInternet) continue;
    if (record.type == static_cast<uint16_t>(RecordType::kCname)) {
      Reader alias(message, record.data);
      alias.name();
      if (alias.failed() || alias.at() != record.data + record.length) return malformed("an alias is not a name");
    }
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace

absl::StatusOr<Answer> readAnswer(std::string_view message, RecordType type) {
  Reader reader(message);
  reader.skip(4);
  const uint32_t questions = reader.number(2);
  const uint32_t answers = reader.number(2);
  reader.skip(4);
  if (reader.failed()) return malformed("shorter than a header");
  if (questions != 1) return malformed("not one question");
  std::string asked = reader.name();
  reader.skip(4);
  if (reader.failed()) return malformed("the question goes beyond the message");
  const absl::StatusOr<std::vector<Record>> records = readRecords(reader, message, answers);
  if (!records.ok()) return records.status();
  const std::optional<Destination> destination = follow(std::move(asked), message, *records);
  if (!destination.has_value()) return malformed("aliases lead in a circle");
  Answer out;
  for (const Record& record : *records) {
    if (record.type != static_cast<uint16_t>(type) || record.owner != destination->name) continue;
    if (!addRecord(message, record, std::min(record.ttl, destination->ttl), out)) {
      return malformed("a record of the wrong length");
    }
  }
  return out;
}

}  // namespace weir::upstream::dns
