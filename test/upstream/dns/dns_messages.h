// DNS messages of tests, written by hand (RFC 1035).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/upstream/dns/answer.h"

namespace weir::upstream::dns {

inline std::string bigEndian(uint32_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

// "a.b" -> 1 'a' 1 'b' 0; "" is the root.
inline std::string wireName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}

// A record; `data` as it is.
inline std::string rawRecord(std::string_view owner, RecordType type, uint32_t ttl, std::string_view data) {
  std::string out = wireName(owner) + bigEndian(static_cast<uint16_t>(type), 2) + bigEndian(1, 2) + bigEndian(ttl, 4);
  out += bigEndian(static_cast<uint32_t>(data.size()), 2);
  return out.append(data);
}

inline std::string addressRecord(std::string_view owner, std::string_view ip, uint32_t ttl) {
  const net::Address address = *net::Address::parseIp(ip, 0);
  const bool v4 = address.family() == net::Address::Family::kIpv4;
  return rawRecord(owner, v4 ? RecordType::kA : RecordType::kAaaa, ttl, address.ipBytes());
}

inline std::string aliasRecord(std::string_view owner, std::string_view target, uint32_t ttl) {
  return rawRecord(owner, RecordType::kCname, ttl, wireName(target));
}

inline std::string serviceRecord(std::string_view owner, uint16_t priority, uint16_t weight, uint16_t port,
                                 std::string_view target, uint32_t ttl) {
  return rawRecord(owner, RecordType::kSrv, ttl,
                   bigEndian(priority, 2) + bigEndian(weight, 2) + bigEndian(port, 2) + wireName(target));
}

// A whole answer with the given id, the response code, and the question.
inline std::string message(uint16_t id, uint16_t flags, std::string_view name, uint16_t type,
                           const std::vector<std::string>& records) {
  std::string out = bigEndian(id, 2) + bigEndian(flags, 2) + bigEndian(1, 2) +
                    bigEndian(static_cast<uint32_t>(records.size()), 2) + bigEndian(0, 4);
  out += wireName(name) + bigEndian(type, 2) + bigEndian(1, 2);
  for (const std::string& record : records) out += record;
  return out;
}

}  // namespace weir::upstream::dns
